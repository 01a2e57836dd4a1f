"""The fully connected layer by hand, and against Flax's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from flax import linen as nn

from models.layers.dense import dense, flat_product

CASES = {flat_product: Case(lambda rng: (rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5))))}


def test_two_inputs_and_three_outputs_by_hand():
    """z = (2·1 + 3·4 + 10, 2·2 + 3·5 + 20, 2·3 + 3·6 + 30)."""
    kernel = jnp.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    actual = dense(jnp.asarray([2.0, 3.0]), kernel, jnp.asarray([10.0, 20.0, 30.0]))
    np.testing.assert_array_equal(actual, [24.0, 39.0, 54.0])


def test_the_docstrings_example():
    np.testing.assert_array_equal(dense(jnp.asarray([1.0, 2.0]), jnp.eye(2), jnp.asarray([10.0, 20.0])), [11, 22])


def test_mapped_over_examples_it_is_flaxs_layer(float64):
    rng = np.random.default_rng(0)
    kernel, bias, inputs = (jnp.asarray(rng.normal(size=shape)) for shape in [(5, 4), (4,), (6, 5)])
    expected = nn.Dense(4).apply({"params": {"kernel": kernel, "bias": bias}}, inputs)
    actual = jax.vmap(dense, (0, None, None))(inputs, kernel, bias)
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-14)


def test_a_dense_layer_multiplies_by_it_at_every_place(float64):
    rng = np.random.default_rng(1)
    inputs = jnp.asarray(rng.normal(size=(2, 3, 5)))
    params = {"params": {"kernel": jnp.asarray(rng.normal(size=(5, 4))), "bias": jnp.asarray(rng.normal(size=4))}}
    expected = nn.Dense(4).apply(params, inputs)
    np.testing.assert_allclose(nn.Dense(4, dot_general=flat_product).apply(params, inputs), expected, rtol=1e-14)
    np.testing.assert_allclose(flat_product(inputs, params["params"]["kernel"]), expected - params["params"]["bias"])


def test_a_product_over_another_axis_is_refused():
    with pytest.raises(ValueError, match="over the last axis"):
        flat_product(jnp.ones((4, 4)), jnp.ones((4, 5)), (((0,), (0,)), ((), ())))
