"""Gates and activations against NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.gated_residual import concatenated_elu, gated_residual


def test_both_signs_pass_an_exponential_linear_unit(float64):
    value = np.random.default_rng(0).normal(size=(4, 3))
    expected = [np.where(each > 0, each, np.expm1(each)) for each in (value, -value)]
    np.testing.assert_allclose(concatenated_elu(jnp.asarray(value)), np.concatenate(expected, axis=-1), rtol=1e-12)


def test_a_gate_weighs_what_is_added(float64):
    inputs, value, gate = np.random.default_rng(1).normal(size=(3, 4, 3))
    found = gated_residual(jnp.asarray(inputs), jnp.asarray(np.concatenate([value, gate], axis=-1)))
    np.testing.assert_allclose(found, inputs + value / (1 + np.exp(-gate)), rtol=1e-12)
    with pytest.raises(ValueError, match=r"\(4, 3\) need outputs of twice as many channels, got \(4, 5\)"):
        gated_residual(jnp.zeros((4, 3)), jnp.zeros((4, 5)))
