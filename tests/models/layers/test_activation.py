"""The scaled tangent against its defining points; maxout against a loop and the functions that it can be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.activation import maxout, scaled_tanh

CASES = {maxout: Case(lambda rng: (rng.normal(size=(2, 6)),), options={"pieces": 3})}


def test_it_passes_through_one_and_minus_one():
    """LeCun et al. 1998, appendix A: f(1) = 1, f(−1) = −1; the second derivative is largest in size at 1."""
    np.testing.assert_allclose(scaled_tanh(jnp.array([-1.0, 0.0, 1.0])), [-1, 0, 1], atol=1e-4)
    places = jnp.linspace(0.5, 1.5, 1001)
    curvature = jax.vmap(jax.grad(jax.grad(scaled_tanh)))(places)
    assert abs(places[np.argmax(-curvature)] - 1) < 0.02


def test_maxout_is_the_largest_of_neighbours():
    features = np.random.default_rng(0).normal(size=(3, 4, 10)).astype(np.float32)
    found = maxout(jnp.asarray(features), pieces=5)
    expected = [[[max(z[5 * j : 5 * j + 5]) for j in range(2)] for z in row] for row in features]
    np.testing.assert_array_equal(found, np.asarray(expected, np.float32))
    x = jnp.linspace(-2, 2, 9)
    np.testing.assert_array_equal(maxout(jnp.stack([x, -x], axis=-1), pieces=2)[:, 0], jnp.abs(x))
    with pytest.raises(ValueError, match="10 features cannot be divided into units of 3 pieces"):
        maxout(jnp.ones(10), pieces=3)
