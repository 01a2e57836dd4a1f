"""Integrals over a grid against closed forms of Gaussians."""

import jax.numpy as jnp
import numpy as np
import scipy.stats
from cases import Case

from losses.metrics.density import grid_cross_entropy, grid_kl, grid_mass

CASES = {each: Case(options={"cell": 0.04}) for each in (grid_cross_entropy, grid_kl, grid_mass)}


def test_gaussians_have_their_closed_forms(float64):
    side = np.arange(-8, 8, 0.05) + 0.025
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    p, q = (
        jnp.asarray(scipy.stats.multivariate_normal(m, v).logpdf(grid)) for m, v in (((0, 0), 1.0), ((0.5, 0), 2.0))
    )
    np.testing.assert_allclose(grid_mass(p, cell=0.05**2), 1, atol=1e-12)
    np.testing.assert_allclose(grid_cross_entropy(p, p, cell=0.05**2), np.log(2 * np.pi * np.e), atol=1e-10)
    np.testing.assert_allclose(grid_kl(p, q, cell=0.05**2), 0.5 * (2 / 2 + 0.25 / 2 - 2 + 2 * np.log(2)), atol=1e-10)


def test_where_nothing_is_nothing_counts(float64):
    """Uniform on a half, against uniform on the whole."""
    p, q = jnp.log(jnp.asarray([2.0, 0.0])), jnp.zeros(2)
    np.testing.assert_allclose(grid_kl(p, q, cell=0.5), np.log(2), rtol=1e-12)
    assert np.isinf(grid_kl(q, p, cell=0.5))
