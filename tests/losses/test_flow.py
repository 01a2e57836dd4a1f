"""Densities of flows against closed forms: affine flows of Gaussians, and dequantised levels."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from cases import Case

from losses.flow import change_of_variables, dequantization_bound
from losses.metrics.bits_per_dimension import bits_per_dimension
from models.layers.dequantization import dequantize
from models.layers.invertible_mixing import factor_matrix, mix_channels

CASES = {bits_per_dimension: Case(options={"dimensions": 64})}


def test_an_affine_flow_of_a_gaussian_is_exact(float64):
    """x = W⁻¹ z has the covariance (Wᵀ W)⁻¹."""
    rng = np.random.default_rng(0)
    matrix, points = rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    latents, log_determinants = jax.vmap(mix_channels, (0, None))(
        jnp.asarray(points), factor_matrix(jnp.asarray(matrix))
    )
    expected = scipy.stats.multivariate_normal(np.zeros(3), np.linalg.inv(matrix.T @ matrix)).logpdf(points)
    np.testing.assert_allclose(jax.vmap(change_of_variables)(latents, log_determinants), expected, rtol=1e-10)


def level_densities(noise):
    """log p of levels and noise for p(v) = 2v on [0, 1], whose bin k of 4 holds (2k + 1) / 16; one row a level."""
    values, log_determinants = jax.vmap(lambda u: dequantize(jnp.arange(4.0) / 3, u, levels=4))(noise)
    return jnp.log(2 * values).T + log_determinants[0] / 4


PROBABILITIES = (2 * np.arange(4) + 1) / 16


def test_uniform_noise_gives_a_bound_that_many_draws_close(float64):
    noise = jnp.tile(((jnp.arange(4000.0) + 0.5) / 4000)[:, None], 4)
    log_densities = level_densities(noise)
    flat = jnp.zeros(4000)
    of_many = np.asarray([dequantization_bound(each, flat) for each in log_densities])
    of_one = np.asarray(log_densities.mean(axis=1))
    np.testing.assert_allclose(np.exp(of_many), PROBABILITIES, rtol=1e-6)
    assert (of_one < of_many).all()
    np.testing.assert_allclose(of_one[0], np.log(2 / 16) - 1, rtol=1e-3)  # E log 2u/16


def test_noise_in_proportion_to_the_density_is_exact_by_one_draw(float64):
    """q(u | k) = (2k + 2u) / (2k + 1)."""
    u, level = 0.3, np.arange(4)
    log_density = level_densities(jnp.full((1, 4), u))[:, 0]
    log_noise = np.log((2 * level + 2 * u) / (2 * level + 1))
    bounds = [dequantization_bound(log_density[k, None], jnp.asarray(log_noise[k, None])) for k in level]
    np.testing.assert_allclose(np.exp(bounds), PROBABILITIES, rtol=1e-12)


def test_equally_probable_levels_cost_the_logarithm_of_their_number(float64):
    for levels in (2, 17, 256):
        image = jnp.asarray(np.random.default_rng(1).integers(0, levels, (8, 8)) / (levels - 1))
        _, log_determinant = dequantize(image, jnp.full((8, 8), 0.5), levels=levels)  # of a uniform density on [0, 1]
        np.testing.assert_allclose(bits_per_dimension(log_determinant, dimensions=64), np.log2(levels), rtol=1e-12)
