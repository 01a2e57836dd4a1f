"""Oracles of ``losses/information.py``: SciPy, Monte Carlo, counting, inequalities that hold for every distribution."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from cases import Case, distribution, multivariate_gaussian
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from losses.divergences import gaussian_kl_between, kl_divergence, multivariate_gaussian_kl
from losses.information import (
    cross_entropy,
    entropy,
    gaussian_entropy,
    multivariate_gaussian_cross_entropy,
    multivariate_gaussian_entropy,
    self_information,
)
from losses.likelihoods import gaussian_log_likelihood

CASES = {
    self_information: Case(lambda rng: (rng.uniform(0.1, 0.9, (2, 3)),)),
    entropy: Case(lambda rng: (distribution(rng),)),
    cross_entropy: Case(lambda rng: (distribution(rng), distribution(rng))),
    multivariate_gaussian_entropy: Case(lambda rng: multivariate_gaussian(rng)[1:]),
    multivariate_gaussian_cross_entropy: Case(lambda rng: (*multivariate_gaussian(rng), *multivariate_gaussian(rng))),
}

pytestmark = pytest.mark.usefixtures("float64")

DRAWS = 20_000
ZEROS = (
    np.array([0.5, 0.0, 0.5, 0.0]),
    np.array([0.25, 0.25, 0.5, 0.0]),
)  # the second excludes what the first does not use
counts = arrays(np.int64, 4, elements=st.integers(0, 50))


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-12, atol=1e-12)


def distributions(count, outcomes=5):
    return np.random.default_rng(1).dirichlet(np.ones(outcomes), count)


def gaussian(seed, size=3):
    """Mean and covariance."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(size, size))
    return rng.normal(size=size), factor @ factor.T + 0.1 * np.eye(size)


@functools.cache
def to_jax(function):
    compiled = jax.jit(function)
    return lambda *given: np.asarray(compiled(*given))


def normalised(weights):
    assume(weights.sum() > 0)
    return weights / weights.sum()


def test_self_information_counts_the_fair_coins_that_an_event_is_worth():
    bits = to_jax(self_information)(0.5 ** np.arange(6)) / np.log(2)
    close(bits, np.arange(6))


def test_information_of_independent_events_adds_up():
    p, q = jnp.asarray(distributions(2))
    close(self_information(p * q), self_information(p) + self_information(q))


def test_what_is_impossible_would_be_infinitely_informative():
    assert self_information(jnp.asarray(0.0)) == np.inf


@pytest.mark.parametrize("p", [*distributions(3), *ZEROS, np.array([0.0, 1.0, 0.0])])
def test_entropy_is_scipys(p):
    close(to_jax(entropy)(p), scipy.stats.entropy(p))
    close(to_jax(entropy)(p) / np.log(2), scipy.stats.entropy(p, base=2))


def test_entropy_is_the_expected_depth_of_the_best_yes_no_questions():
    """½, ¼, ⅛, ⅛ are found after 1, 2, 3, 3 questions: 1¾ bits."""
    close(to_jax(entropy)(np.array([0.5, 0.25, 0.125, 0.125])) / np.log(2), 1.75)


@given(counts)
@settings(deadline=None, max_examples=60)
def test_entropy_lies_between_certainty_and_uniformity(weights):
    p = normalised(weights)
    with jax.enable_x64(True):
        found = to_jax(entropy)(p)
    assert -1e-15 <= found <= np.log(4) + 1e-15
    assert (found < 1e-15) == (p.max() == 1)
    assert (found > np.log(4) - 1e-15) == bool((p == 0.25).all())


def test_joint_entropy_is_that_of_one_and_of_the_other_given_it():
    """H(X, Y) = H(X) + Σ_x p(x) H(Y | X = x)."""
    joint = distributions(1, 12).reshape(3, 4)
    marginal = joint.sum(1)
    conditional = jax.vmap(entropy)(jnp.asarray(joint / marginal[:, None]))
    close(to_jax(entropy)(joint.ravel()), to_jax(entropy)(marginal) + marginal @ conditional)


@pytest.mark.parametrize(("p", "q"), [distributions(2), ZEROS, (ZEROS[0], ZEROS[0])])
def test_cross_entropy_is_scipys_entropy_plus_divergence(p, q):
    close(to_jax(cross_entropy)(p, q), scipy.stats.entropy(p) + scipy.stats.entropy(p, q))
    close(to_jax(cross_entropy)(p, q), to_jax(entropy)(p) + to_jax(kl_divergence)(p, q))


def test_cross_entropy_with_oneself_is_entropy():
    for p in (*distributions(3), *ZEROS):
        close(to_jax(cross_entropy)(p, p), to_jax(entropy)(p))


def test_cross_entropy_is_infinite_where_the_other_excludes_an_outcome():
    assert to_jax(cross_entropy)(ZEROS[1], ZEROS[0]) == np.inf


def test_averages_of_drawn_information_agree_within_five_standard_errors():
    p, q = distributions(2)
    drawn = np.random.default_rng(2).choice(5, DRAWS, p=p)
    for other, exact in ((p, to_jax(entropy)(p)), (q, to_jax(cross_entropy)(p, q))):
        information = to_jax(self_information)(other)[drawn]
        standard_error = np.std(information) / np.sqrt(DRAWS)
        assert abs(np.mean(information) - exact) < 5 * standard_error < 0.1


def test_gradients_by_hand_where_there_are_zeros():
    """∂H(p)/∂p = −log p − 1; ∂H(p, q)/∂p = −log q, ∂H(p, q)/∂q = −p/q; nothing of what neither admits."""
    p, q = map(jnp.asarray, ZEROS)
    close(jax.grad(entropy)(p), [np.log(2) - 1, 0, np.log(2) - 1, 0])
    by_p, by_q = jax.grad(cross_entropy, (0, 1))(p, q)
    close(by_p, [np.log(4), np.log(4), np.log(2), 0])
    close(by_q, [-2, 0, -1, 0])


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_gradients_survive_a_softmax_that_underflows(dtype):
    """Of logits 0 and −2000 the second has no probability: H = 0, and nothing moves it."""
    gradient = jax.grad(lambda logits: entropy(jax.nn.softmax(logits)))(jnp.asarray([0.0, -2000.0], dtype))
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("seed", range(3))
def test_gaussian_entropies_are_scipys(seed):
    mean, covariance = gaussian(seed)
    close(
        to_jax(multivariate_gaussian_entropy)(covariance), scipy.stats.multivariate_normal(mean, covariance).entropy()
    )
    deviations = np.sqrt(np.diag(covariance))
    close(to_jax(gaussian_entropy)(2 * np.log(deviations)), scipy.stats.norm(mean, deviations).entropy().sum())


def test_entropy_of_a_diagonal_covariance_is_that_of_its_variances():
    log_variance = np.random.default_rng(3).normal(size=4)
    found = to_jax(multivariate_gaussian_entropy)(np.diag(np.exp(log_variance)))
    close(found, to_jax(gaussian_entropy)(log_variance))


def test_a_linear_map_adds_the_logarithm_of_its_volume():
    _, covariance = gaussian(4)
    matrix = np.random.default_rng(5).normal(size=(3, 3))
    moved, still = map(to_jax(multivariate_gaussian_entropy), (matrix @ covariance @ matrix.T, covariance))
    close(moved - still, np.linalg.slogdet(matrix)[1])


def test_entropys_gradient_is_half_the_precision():
    """∂ ½ log det Σ / ∂Σ = ½ Σ⁻¹."""
    _, covariance = gaussian(6)
    close(jax.grad(multivariate_gaussian_entropy)(jnp.asarray(covariance)), np.linalg.inv(covariance) / 2)


def test_gaussian_cross_entropy_is_the_formula_with_inverses():
    (mean, covariance), (other_mean, other_covariance) = gaussian(7), gaussian(8)
    precision, difference = np.linalg.inv(other_covariance), mean - other_mean
    expected = 0.5 * (
        np.linalg.slogdet(2 * np.pi * other_covariance)[1]
        + np.trace(precision @ covariance)
        + difference @ precision @ difference
    )
    found = to_jax(multivariate_gaussian_cross_entropy)(mean, covariance, other_mean, other_covariance)
    close(found, expected)


def test_gaussian_cross_entropy_is_entropy_plus_divergence():
    p, q = gaussian(7), gaussian(8)
    expected = to_jax(multivariate_gaussian_entropy)(p[1]) + to_jax(multivariate_gaussian_kl)(*p, *q)
    close(to_jax(multivariate_gaussian_cross_entropy)(*p, *q), expected)
    close(to_jax(multivariate_gaussian_cross_entropy)(*p, *p), to_jax(multivariate_gaussian_entropy)(p[1]))


def test_gaussian_averages_of_drawn_information_agree_within_five_standard_errors():
    p, q = gaussian(9), gaussian(10)
    draws = np.random.default_rng(11).multivariate_normal(*p, DRAWS)
    for other, exact in (
        (p, to_jax(multivariate_gaussian_entropy)(p[1])),
        (q, to_jax(multivariate_gaussian_cross_entropy)(*p, *q)),
    ):
        information = -scipy.stats.multivariate_normal(*other).logpdf(draws)
        standard_error = np.std(information) / np.sqrt(DRAWS)
        assert abs(np.mean(information) - exact) < 5 * standard_error < 0.05 * exact


def test_diagonal_gaussians_agree_with_their_likelihood_and_divergence():
    """H(p, q) of a nearly certain p is −log q at its mean; of diagonal ones, entropy plus ``gaussian_kl_between``."""
    mean, log_variance, other_mean, other_log_variance = map(jnp.asarray, np.random.default_rng(12).normal(size=(4, 3)))
    other = other_mean, jnp.diag(jnp.exp(other_log_variance))
    found = multivariate_gaussian_cross_entropy(mean, jnp.diag(jnp.exp(log_variance)), *other)
    close(
        found,
        gaussian_entropy(log_variance) + gaussian_kl_between(mean, log_variance, other_mean, other_log_variance),
    )
    certain = multivariate_gaussian_cross_entropy(mean, 1e-20 * jnp.eye(3), *other)
    close(certain, -gaussian_log_likelihood(mean, other_mean, other_log_variance))
