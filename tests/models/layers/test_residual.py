"""Residual connections by NumPy, and what their gradient is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.residual import identity_shortcut, residual_concatenation, residual_sum

CASES = {identity_shortcut: Case(lambda rng: (rng.normal(size=(2, 5, 4, 3)),), {"features": 5, "stride": 2})}


def test_the_gradient_passes_where_that_of_the_layer_vanishes():
    """∂y/∂x = 1 + ∂F/∂x, of a layer that is constant."""
    gradient = jax.grad(lambda x: jnp.sum(residual_sum(x, 0.0 * x)))(jnp.ones((2, 3)))
    np.testing.assert_array_equal(gradient, np.ones((2, 3)))


def test_concatenation_keeps_the_input_as_it_is():
    inputs, outputs = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32), np.ones((2, 4, 2), np.float32)
    joined = residual_concatenation(jnp.asarray(inputs), jnp.asarray(outputs))
    np.testing.assert_array_equal(joined, np.concatenate([inputs, outputs], axis=2))


def test_the_shortcut_keeps_every_strideth_pixel_and_further_features_are_zero():
    images = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    short = np.asarray(identity_shortcut(jnp.asarray(images), features=5, stride=(2, 3)))
    assert short.shape == (2, 3, 2, 5)
    for i, j in np.ndindex(3, 2):
        np.testing.assert_array_equal(short[:, i, j, :3], images[:, 2 * i, 3 * j])
    assert not short[..., 3:].any()


def test_an_identity_that_would_lose_channels_is_refused():
    with pytest.raises(ValueError, match="at least 3 features, got 2"):
        identity_shortcut(jnp.ones((1, 4, 4, 3)), features=2)
