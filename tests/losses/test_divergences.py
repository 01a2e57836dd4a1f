"""Divergences of Gaussians against numpyro and Monte Carlo."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from losses.divergences import gaussian_kl, gaussian_kl_between, monte_carlo_kl
from losses.likelihoods import gaussian_log_likelihood

DRAWS = 20_000
vectors = arrays(np.float64, 3, elements=st.floats(-20, 20))
kl, kl_between = jax.jit(gaussian_kl), jax.jit(gaussian_kl_between)


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-12, atol=1e-12)


def parameters(count, size=4):
    return jnp.asarray(np.random.default_rng(1).normal(size=(count, size)))


def numpyro_normal(mean, log_variance):
    return dist.Normal(mean, jnp.exp(0.5 * log_variance)).to_event(1)


def test_kl_from_the_prior_is_numpyros(float64):
    mean, log_variance = parameters(2)
    prior = dist.Normal(jnp.zeros(4), jnp.ones(4)).to_event(1)
    close(gaussian_kl(mean, log_variance), dist.kl_divergence(numpyro_normal(mean, log_variance), prior))


def test_kl_between_gaussians_is_numpyros(float64):
    *p, q_mean, q_log_variance = parameters(4)
    expected = dist.kl_divergence(numpyro_normal(*p), numpyro_normal(q_mean, q_log_variance))
    close(gaussian_kl_between(*p, q_mean, q_log_variance), expected)


def test_kl_is_asymmetric_as_computed_by_hand(float64):
    """KL(N(0, 1) ‖ N(1, 4)) = ½ (¼ + ¼ − 1 + log 4);  the other way ½ (4 + 1 − 1 − log 4)."""
    p, q = jnp.zeros((2, 1)), jnp.asarray([[1.0], [np.log(4.0)]])
    close(gaussian_kl_between(*p, *q), 0.5 * (np.log(4) - 0.5))
    close(gaussian_kl_between(*q, *p), 0.5 * (4 - np.log(4)))


def test_kl_from_the_prior_is_kl_between_with_the_standard_normal(float64):
    mean, log_variance, zero = *parameters(2), jnp.zeros(4)
    close(gaussian_kl(mean, log_variance), gaussian_kl_between(mean, log_variance, zero, zero))


def test_monte_carlo_kl_agrees_within_five_standard_errors(float64):
    p_mean, p_log_variance, q_mean, q_log_variance = parameters(4)
    noise = jax.random.normal(jax.random.key(0), (DRAWS, 4))
    draws = p_mean + jnp.exp(p_log_variance / 2) * noise
    log_density = jax.vmap(gaussian_log_likelihood, (0, None, None))
    own = log_density(draws, p_mean, p_log_variance)
    for other, exact in (
        ((q_mean, q_log_variance), gaussian_kl_between(p_mean, p_log_variance, q_mean, q_log_variance)),
        ((jnp.zeros(4), jnp.zeros(4)), gaussian_kl(p_mean, p_log_variance)),
    ):
        others = log_density(draws, *other)
        standard_error = np.std(own - others) / np.sqrt(DRAWS)
        assert abs(monte_carlo_kl(own, others) - exact) < 5 * standard_error < 0.2


def test_monte_carlo_kl_of_two_draws_by_hand(float64):
    close(monte_carlo_kl(jnp.asarray([1.0, 5.0]), jnp.asarray([2.0, 2.5])), 0.75)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_kl_is_exactly_zero_at_the_prior(float64, dtype):
    assert gaussian_kl(jnp.zeros(7, dtype), jnp.zeros(7, dtype)) == 0


@given(vectors, vectors)
@settings(deadline=None, max_examples=60)
def test_kl_of_a_gaussian_from_itself_is_zero(mean, log_variance):
    with jax.enable_x64(True):
        p = jnp.asarray(mean), jnp.asarray(log_variance)
        assert kl_between(*p, *p) == 0


@given(vectors, vectors, vectors, vectors)
@settings(deadline=None, max_examples=60)
def test_kl_is_never_negative(mean, log_variance, other_mean, other_log_variance):
    """Up to rounding of terms as large as the largest log-variance, 40."""
    with jax.enable_x64(True):
        p, q = map(jnp.asarray, (mean, log_variance)), map(jnp.asarray, (other_mean, other_log_variance))
        p, q = tuple(p), tuple(q)
        assert kl(*p) >= -1e-14
        assert kl_between(*p, *q) >= -1e-13


@pytest.mark.parametrize("log_variance", [1e-4, -1e-4, 1e-3, -1e-3])
def test_kl_near_the_prior_keeps_its_digits_in_float32(log_variance):
    """A collapsed latent: ¼ s² + s³/12 + …, of which float32 can give two digits at s = 1e-4."""
    s = jnp.asarray([log_variance], jnp.float32)
    expected = log_variance**2 / 4 + log_variance**3 / 12
    np.testing.assert_allclose(gaussian_kl(jnp.zeros(1), s), expected, rtol=1e-2)
    np.testing.assert_allclose(gaussian_kl_between(jnp.zeros(1), s, jnp.zeros(1), jnp.zeros(1)), expected, rtol=1e-2)
