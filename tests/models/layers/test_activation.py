"""The scaled tangent against its defining points."""

import jax
import jax.numpy as jnp
import numpy as np

from models.layers.activation import scaled_tanh


def test_it_passes_through_one_and_minus_one():
    """LeCun et al. 1998, appendix A: f(1) = 1, f(−1) = −1; the second derivative is largest in size at 1."""
    np.testing.assert_allclose(scaled_tanh(jnp.array([-1.0, 0.0, 1.0])), [-1, 0, 1], atol=1e-4)
    places = jnp.linspace(0.5, 1.5, 1001)
    curvature = jax.vmap(jax.grad(jax.grad(scaled_tanh)))(places)
    assert abs(places[np.argmax(-curvature)] - 1) < 0.02
