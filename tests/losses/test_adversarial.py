"""The game between two known densities on a line: its value, its best discriminators and the generator's slope."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from losses.adversarial import (
    ADVERSARIAL_LOSSES,
    discriminator_cross_entropy,
    gradient_penalty,
    hinge_discriminator,
    optimal_discriminator,
    wasserstein_critic,
)
from losses.divergences import jensen_shannon_divergence

DATA, GENERATED = scipy.stats.norm(0.5, 1.0), scipy.stats.norm(-0.7, 1.5)
GRID = np.linspace(-15, 15, 3001)
P, Q = (density.pdf(GRID) * (GRID[1] - GRID[0]) for density in (DATA, GENERATED))
BEST = jnp.asarray(DATA.logpdf(GRID) - GENERATED.logpdf(GRID), jnp.float32)


def expected(loss, logits, p=P, q=Q):
    """Over independent real and generated examples, where discriminators say ``logits`` at the points of the grid.

    Every loss is a sum of a part of either, so the pair (x, x) at every place does for both.
    """
    at_zero = loss(jnp.zeros((), logits.dtype), jnp.zeros((), logits.dtype))
    of_real = jax.vmap(lambda real: loss(real, jnp.zeros_like(real)))(logits)
    of_generated = jax.vmap(lambda fake: loss(jnp.zeros_like(fake), fake))(logits)
    return jnp.sum(of_real * p) + jnp.sum(of_generated * q) - at_zero


def by_quadrature(integrand):
    return scipy.integrate.quad(integrand, -15, 15, limit=200, points=[-0.7, 0.5])[0]


def shannon():
    """JSD by adaptive quadrature of the densities themselves."""

    def integrand(x):
        p, q = DATA.pdf(x), GENERATED.pdf(x)
        m = (p + q) / 2
        return 0.5 * (p * np.log(p / m) + q * np.log(q / m))

    return by_quadrature(integrand)


def test_the_value_at_the_optimal_discriminator_is_twice_the_jensen_shannon_divergence_less_log_4(float64):
    best = jnp.asarray(BEST, jnp.float64)
    value = -jax.jit(lambda logits: expected(discriminator_cross_entropy, logits))(best)
    np.testing.assert_allclose(value, 2 * shannon() - np.log(4), rtol=1e-7)
    np.testing.assert_allclose(jensen_shannon_divergence(jnp.asarray(P), jnp.asarray(Q)), shannon(), rtol=1e-9)


def test_no_discriminator_loses_less_than_the_optimal_one(float64):
    """The gradient in its logits is 0 there, and it is convex in them; the probability is p / (p + q)."""
    best = jnp.asarray(DATA.logpdf(GRID) - GENERATED.logpdf(GRID))
    lost = jax.jit(jax.value_and_grad(lambda logits: expected(discriminator_cross_entropy, logits)))
    least, gradient = lost(best)
    np.testing.assert_allclose(gradient, 0, atol=1e-15)
    for seed in range(3):
        assert lost(best + 0.1 * jax.random.normal(jax.random.key(seed), best.shape))[0] > least
    log_densities = (jnp.asarray(density.logpdf(GRID)) for density in (DATA, GENERATED))
    np.testing.assert_allclose(jax.vmap(optimal_discriminator)(*log_densities), P / (P + Q), rtol=1e-9)


def test_who_guesses_loses_log_4_and_so_does_the_best_against_the_data_themselves(float64):
    blind = jnp.zeros(len(GRID))
    np.testing.assert_allclose(expected(discriminator_cross_entropy, blind), np.log(4), rtol=1e-9)
    np.testing.assert_allclose(expected(discriminator_cross_entropy, blind, P, P), np.log(4), rtol=1e-9)


SLOPES = {
    "minimax": lambda p, q: 2 * jensen_shannon_divergence(p, q),
    "non_saturating": lambda p, q: jnp.sum(q * jnp.log(q / p)) - 2 * jensen_shannon_divergence(p, q),
}


@pytest.mark.parametrize("name", SLOPES)
def test_against_the_optimal_discriminator_the_generator_descends_on_a_divergence(name, float64):
    """Of a Gaussian generator's mean and log deviation, by autodiff on the grid, the discriminator held fixed.

    Goodfellow et al. 2014, theorem 1; Arjovsky & Bottou 2017, theorem 2.5.
    """
    p, grid = jnp.asarray(P), jnp.asarray(GRID)

    def density(theta):
        mean, log_deviation = theta
        log_density = jax.scipy.stats.norm.logpdf(grid, mean, jnp.exp(log_deviation))
        return jnp.exp(log_density) * (grid[1] - grid[0])

    def lost(theta):
        best = jax.lax.stop_gradient(jnp.log(p) - jnp.log(density(theta)))
        return jnp.sum(density(theta) * jax.vmap(ADVERSARIAL_LOSSES[name].generator)(best))

    theta = jnp.array([-0.7, np.log(1.5)])
    slope = jax.jit(jax.grad(lost))(theta)
    np.testing.assert_allclose(slope, jax.grad(lambda theta: SLOPES[name](p, density(theta)))(theta), rtol=1e-6)


def test_the_minimax_generator_has_no_slope_where_the_discriminator_is_sure():
    minimax, other = (jax.grad(ADVERSARIAL_LOSSES[name].generator) for name in ("minimax", "non_saturating"))
    assert abs(minimax(-20.0)) < 1e-8
    np.testing.assert_allclose(other(-20.0), -1, rtol=1e-6)
    np.testing.assert_allclose(minimax(0.0), other(0.0))


def test_the_hinge_is_least_at_the_sign_and_measures_total_variation(float64):
    sign = jnp.sign(jnp.asarray(P - Q))
    total_variation = np.abs(P - Q).sum() / 2
    least = expected(hinge_discriminator, sign)
    np.testing.assert_allclose(least, 2 - 2 * total_variation, rtol=1e-9)
    for factor in (0.5, 0.9, 1.1, 3.0):
        assert expected(hinge_discriminator, factor * sign) > least


def test_the_best_critic_of_slope_1_finds_the_wasserstein_distance(float64):
    """Of a shifted copy the critic is a straight line; SciPy computes the distance of the weighted points."""
    shifted = DATA.pdf(GRID + 2) * (GRID[1] - GRID[0])
    found = -expected(wasserstein_critic, jnp.asarray(GRID), jnp.asarray(P), jnp.asarray(shifted))
    np.testing.assert_allclose(found, scipy.stats.wasserstein_distance(GRID, GRID, P, shifted), rtol=1e-6)
    np.testing.assert_allclose(found, 2, rtol=1e-6)


def test_generators_minimise_their_part_of_the_value():
    """−f is the critic's whole loss but for the real part, and log(1 − σ(f)) the cross-entropy's with another sign."""
    for name, fake in (("minimax", 0.3), ("wasserstein", 0.3), ("minimax", -2.0)):
        loss = ADVERSARIAL_LOSSES[name]
        part = loss.discriminator(jnp.array(1.0), jnp.array(fake)) - loss.discriminator(jnp.array(1.0), jnp.array(0.0))
        np.testing.assert_allclose(loss.generator(jnp.array(fake)) - loss.generator(jnp.array(0.0)), -part, rtol=1e-6)


def test_the_penalty_is_0_on_the_unit_sphere_and_has_a_gradient_at_its_centre():
    np.testing.assert_allclose(gradient_penalty(jnp.array([0.6, 0.8])), 0, atol=1e-12)
    np.testing.assert_allclose(gradient_penalty(jnp.array([3.0, 4.0])), 16, rtol=1e-6)
    value, slope = jax.value_and_grad(gradient_penalty)(jnp.zeros(3))
    assert value == 1
    np.testing.assert_array_equal(slope, 0)
