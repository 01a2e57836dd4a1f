import jax.numpy as jnp
import numpy as np
from cases import Case

from losses.metrics.latent_activity import active_units, unit_activity

CASES = {active_units: Case(constant_almost_everywhere=True)}


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def test_units_whose_mean_varies_are_active(float64):
    """Planted: two dimensions that vary, one that hardly does, one that is constant but far from 0."""
    means = normal(500, 4) * jnp.asarray([1.0, 0.2, 0.01, 0.0]) + jnp.asarray([0.0, 3.0, 0.0, 5.0])
    np.testing.assert_allclose(unit_activity(means), np.cov(means.T, bias=True).diagonal(), rtol=1e-10, atol=1e-12)
    assert active_units(means) == 2
    assert active_units(means, threshold=0.1) == 1
    assert active_units(jnp.broadcast_to(normal(4), (500, 4))) == 0
