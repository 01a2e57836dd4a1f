"""Divergences against SciPy, numpyro and Monte Carlo."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.spatial
import scipy.stats
from cases import Case, distribution, multivariate_gaussian
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from losses.divergences import (
    gaussian_kl,
    gaussian_kl_between,
    jensen_shannon_divergence,
    kl_divergence,
    monte_carlo_kl,
    multivariate_gaussian_kl,
)
from losses.likelihoods import gaussian_log_likelihood

CASES = {
    jensen_shannon_divergence: Case(lambda rng: (distribution(rng), distribution(rng))),
    kl_divergence: Case(lambda rng: (distribution(rng), distribution(rng))),
    multivariate_gaussian_kl: Case(lambda rng: (*multivariate_gaussian(rng), *multivariate_gaussian(rng))),
}

DRAWS = 20_000
ROUNDING = 1e-13  # of a trace up to 3 · 82
vectors = arrays(np.float64, 3, elements=st.floats(-20, 20))
counts = arrays(np.int64, 4, elements=st.integers(0, 50))
covariance_factors = arrays(np.float64, (3, 3), elements=st.floats(-3, 3))
kl, kl_between = jax.jit(gaussian_kl), jax.jit(gaussian_kl_between)
discrete_kl, full_kl = jax.jit(kl_divergence), jax.jit(multivariate_gaussian_kl)


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-12, atol=1e-12)


def parameters(count, size=4):
    return jnp.asarray(np.random.default_rng(1).normal(size=(count, size)))


def numpyro_normal(mean, log_variance):
    return dist.Normal(mean, jnp.exp(0.5 * log_variance)).to_event(1)


def test_kl_from_the_prior_is_numpyros(float64):
    mean, log_variance = parameters(2)
    prior = dist.Normal(jnp.zeros(4), jnp.ones(4)).to_event(1)
    close(kl(mean, log_variance), dist.kl_divergence(numpyro_normal(mean, log_variance), prior))


def test_kl_between_gaussians_is_numpyros(float64):
    *p, q_mean, q_log_variance = parameters(4)
    expected = dist.kl_divergence(numpyro_normal(*p), numpyro_normal(q_mean, q_log_variance))
    close(kl_between(*p, q_mean, q_log_variance), expected)


def test_kl_is_asymmetric_as_computed_by_hand(float64):
    """KL(N(0, 1) ‖ N(1, 4)) = ½ (¼ + ¼ − 1 + log 4);  the other way ½ (4 + 1 − 1 − log 4)."""
    p, q = jnp.zeros((2, 1)), jnp.asarray([[1.0], [np.log(4.0)]])
    close(kl_between(*p, *q), 0.5 * (np.log(4) - 0.5))
    close(kl_between(*q, *p), 0.5 * (4 - np.log(4)))


def test_kl_from_the_prior_is_kl_between_with_the_standard_normal(float64):
    mean, log_variance, zero = *parameters(2), jnp.zeros(4)
    close(kl(mean, log_variance), kl_between(mean, log_variance, zero, zero))


def test_monte_carlo_kl_agrees_within_five_standard_errors(float64):
    p_mean, p_log_variance, q_mean, q_log_variance = parameters(4)
    noise = jax.random.normal(jax.random.key(0), (DRAWS, 4))
    draws = p_mean + jnp.exp(p_log_variance / 2) * noise
    log_density = jax.vmap(gaussian_log_likelihood, (0, None, None))
    own = log_density(draws, p_mean, p_log_variance)
    for other, exact in (
        ((q_mean, q_log_variance), kl_between(p_mean, p_log_variance, q_mean, q_log_variance)),
        ((jnp.zeros(4), jnp.zeros(4)), kl(p_mean, p_log_variance)),
    ):
        others = log_density(draws, *other)
        standard_error = np.std(own - others) / np.sqrt(DRAWS)
        assert abs(monte_carlo_kl(own, others) - exact) < 5 * standard_error < 0.2


def test_monte_carlo_kl_of_two_draws_by_hand(float64):
    close(monte_carlo_kl(jnp.asarray([1.0, 5.0]), jnp.asarray([2.0, 2.5])), 0.75)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_kl_is_exactly_zero_at_the_prior(float64, dtype):
    assert kl(jnp.zeros(7, dtype), jnp.zeros(7, dtype)) == 0


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
    np.testing.assert_allclose(kl(jnp.zeros(1), s), expected, rtol=1e-2)
    np.testing.assert_allclose(kl_between(jnp.zeros(1), s, jnp.zeros(1), jnp.zeros(1)), expected, rtol=1e-2)


def distributions(count, outcomes=5):
    return np.random.default_rng(2).dirichlet(np.ones(outcomes), count)


def full_gaussian(seed, size=3):
    """Mean and covariance."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(size, size))
    return jnp.asarray(rng.normal(size=size)), jnp.asarray(factor @ factor.T + 0.1 * np.eye(size))


@pytest.mark.parametrize(
    ("p", "q"),
    [distributions(2), ([0.5, 0.0, 0.5, 0.0], [0.25, 0.25, 0.5, 0.0]), ([0.0, 1.0], [0.5, 0.5])],
    ids=["positive", "zeros", "certain"],
)
def test_discrete_kl_is_scipys(float64, p, q):
    close(discrete_kl(jnp.asarray(p), jnp.asarray(q)), scipy.stats.entropy(p, q))


def test_discrete_kl_is_asymmetric_as_computed_by_hand(float64):
    """Of (½, ½) from (¼, ¾): ½ log 2 + ½ log ⅔ = ½ log 4/3;  the other way ¼ log ½ + ¾ log 3/2."""
    p, q = jnp.asarray([[0.5, 0.5], [0.25, 0.75]])
    close(discrete_kl(p, q), 0.5 * np.log(4 / 3))
    close(discrete_kl(q, p), 0.25 * np.log(0.5) + 0.75 * np.log(1.5))


def test_discrete_kl_is_infinite_where_the_other_excludes_an_outcome(float64):
    assert discrete_kl(jnp.asarray([0.5, 0.5]), jnp.asarray([1.0, 0.0])) == np.inf


def test_discrete_kls_gradient_by_hand_where_there_are_zeros(float64):
    """∂/∂p = 1 + log p/q, ∂/∂q = −p/q, over the outcomes that p does not exclude."""
    p, q = jnp.asarray([[0.5, 0.0, 0.5, 0.0], [0.25, 0.25, 0.5, 0.0]])
    by_p, by_q = jax.grad(kl_divergence, (0, 1))(p, q)
    close(by_p, [1 + np.log(2), 0, 1, 0])
    close(by_q, [-2, 0, -1, 0])


@given(counts, counts)
@settings(deadline=None, max_examples=100)
def test_discrete_kl_is_zero_at_equality_alone(weights, others):
    """Pinsker: KL ≥ ½ ‖p − q‖₁², up to rounding."""
    assume(weights.sum() > 0 and others.sum() > 0)
    p, q = weights / weights.sum(), others / others.sum()
    with jax.enable_x64(True):
        assert discrete_kl(jnp.asarray(p), jnp.asarray(p)) == 0
        assert discrete_kl(jnp.asarray(p), jnp.asarray(q)) >= 0.5 * np.abs(p - q).sum() ** 2 - 1e-15


def test_discrete_kl_of_a_joint_is_that_of_one_and_of_the_other_given_it(float64):
    """KL(p(x, y) ‖ q(x, y)) = KL(p(x) ‖ q(x)) + Σ_x p(x) KL(p(y | x) ‖ q(y | x))."""
    p, q = jnp.asarray(distributions(2, 12)).reshape(2, 3, 4)
    p_first, q_first = p.sum(1), q.sum(1)
    conditional = jax.vmap(kl_divergence)(p / p_first[:, None], q / q_first[:, None])
    close(discrete_kl(p.ravel(), q.ravel()), discrete_kl(p_first, q_first) + p_first @ conditional)


def test_discrete_kl_is_estimated_by_draws_within_five_standard_errors(float64):
    p, q = distributions(2)
    drawn = np.random.default_rng(3).choice(5, DRAWS, p=p)
    log_ratio = np.log(p / q)[drawn]
    assert abs(np.mean(log_ratio) - discrete_kl(*map(jnp.asarray, (p, q)))) < 5 * np.std(log_ratio) / np.sqrt(DRAWS)


@pytest.mark.parametrize("seed", range(3))
def test_full_gaussian_kl_is_numpyros(float64, seed):
    p, q = full_gaussian(2 * seed), full_gaussian(2 * seed + 1)
    expected = dist.kl_divergence(dist.MultivariateNormal(*p), dist.MultivariateNormal(*q))
    close(full_kl(*p, *q), expected)


def test_full_gaussian_kl_of_diagonal_covariances_is_kl_between(float64):
    p_mean, p_log_variance, q_mean, q_log_variance = parameters(4)
    p, q = (p_mean, jnp.diag(jnp.exp(p_log_variance))), (q_mean, jnp.diag(jnp.exp(q_log_variance)))
    close(full_kl(*p, *q), kl_between(p_mean, p_log_variance, q_mean, q_log_variance))


def test_full_gaussian_kl_agrees_with_draws_within_five_standard_errors(float64):
    p, q = full_gaussian(4), full_gaussian(5)
    draws = np.random.default_rng(6).multivariate_normal(*map(np.asarray, p), DRAWS)
    own, others = (jnp.asarray(scipy.stats.multivariate_normal(*map(np.asarray, g)).logpdf(draws)) for g in (p, q))
    exact = full_kl(*p, *q)
    standard_error = np.std(own - others) / np.sqrt(DRAWS)
    assert abs(monte_carlo_kl(own, others) - exact) < 5 * standard_error < 0.1 * exact


def test_full_gaussian_kl_does_not_see_a_change_of_coordinates(float64):
    p, q = full_gaussian(7), full_gaussian(8)
    matrix, shift = full_gaussian(9)[1] + jnp.triu(jnp.ones((3, 3))), jnp.asarray([1.0, -2.0, 3.0])
    there = [(matrix @ mean + shift, matrix @ covariance @ matrix.T) for mean, covariance in (p, q)]
    close(full_kl(*there[0], *there[1]), full_kl(*p, *q))
    assert abs(full_kl(*p, *q) - full_kl(*q, *p)) > 0.1


@given(vectors, covariance_factors, vectors, covariance_factors)
@settings(deadline=None, max_examples=60)
def test_full_gaussian_kl_is_zero_at_equality_alone(mean, factor, other_mean, other_factor):
    """Between covariances of eigenvalues 1 to 82, a lower bound of each part of the divergence.

    ½ (m − m')ᵀ Σ'⁻¹ (m − m') ≥ ½ ‖m − m'‖² / 82. The rest is ½ Σ λ − 1 − log λ over the eigenvalues of Σ'⁻¹ Σ, where
    λ − 1 − log λ ≥ c (λ − 1)² up to λ = 82 with c as it is there, and Σ (λ − 1)² ≥ ‖Σ − Σ'‖² / 82².
    """
    with jax.enable_x64(True):
        p, q = (
            (jnp.asarray(m), jnp.asarray(f @ f.T + np.eye(3))) for m, f in ((mean, factor), (other_mean, other_factor))
        )
        assert abs(full_kl(*p, *p)) < ROUNDING
        least = np.sum((mean - other_mean) ** 2) / 82 + (81 - np.log(82)) / 81**2 * jnp.sum((p[1] - q[1]) ** 2) / 82**2
        assert full_kl(*p, *q) >= least / 2 - ROUNDING


def test_the_jensen_shannon_divergence_is_scipys_squared_distance(float64):
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(6)), np.append(rng.dirichlet(np.ones(5)), 0.0)
    expected = scipy.spatial.distance.jensenshannon(p, q) ** 2
    close(jensen_shannon_divergence(jnp.asarray(p), jnp.asarray(q)), expected)
    close(jensen_shannon_divergence(jnp.asarray(q), jnp.asarray(p)), expected)
    close(jensen_shannon_divergence(jnp.eye(2)[0], jnp.eye(2)[1]), np.log(2))
