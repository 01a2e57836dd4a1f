"""Active units of planted posteriors, free bits against the paper's formula and its gradient, the warm-up's corners."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from losses.collapse import free_bits, kl_per_dimension, linear_warmup
from losses.divergences import gaussian_kl, monte_carlo_kl
from losses.likelihoods import gaussian_log_likelihood

CASES = {
    free_bits: Case(lambda rng: (rng.uniform(0.1, 0.9, (2, 3)),), {"least": 0.3}),
    linear_warmup: Case(options={"steps": 10}),
}


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def test_dimensions_add_up_to_the_whole_kl(float64):
    mean, log_variance = normal(7, 4), normal(7, 4, seed=1)
    together = jax.vmap(gaussian_kl)(mean, log_variance)
    np.testing.assert_allclose(kl_per_dimension(mean, log_variance).sum(axis=1), together, rtol=1e-12)


def test_each_dimension_is_its_monte_carlo_estimate(float64):
    """Within five standard errors."""
    mean, log_variance = jnp.asarray([0.0, 1.0, -0.5]), jnp.asarray([0.0, -1.0, 0.7])
    draws = mean + jnp.exp(log_variance / 2) * normal(100_000, 3)
    for i, exact in enumerate(kl_per_dimension(mean, log_variance)):
        own, prior = (
            jax.vmap(lambda z, m=m, s=s: gaussian_log_likelihood(z, m, s))(draws[:, i])
            for m, s in ((mean[i], log_variance[i]), (jnp.zeros(()), jnp.zeros(())))
        )
        error = np.std(own - prior) / np.sqrt(len(draws))
        assert abs(monte_carlo_kl(own, prior) - exact) <= 5 * error + 1e-12


def paper(kl, least):
    """Kingma et al. 2016, equation 15: the mean over the minibatch first, then the maximum."""
    return jnp.sum(jnp.maximum(least, jnp.mean(kl, axis=0)))


@pytest.mark.parametrize("least", [0.0, 0.5, 10.0])
def test_free_bits_is_the_papers_term_on_average(float64, least):
    kl = normal(20, 5) ** 2 * jnp.asarray([0.1, 0.5, 1.0, 2.0, 4.0])
    np.testing.assert_allclose(free_bits(kl, least=least).mean(), paper(kl, least), rtol=1e-12)
    ours, theirs = (jax.grad(f)(kl) for f in (lambda k: free_bits(k, least=least).mean(), lambda k: paper(k, least)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_group_below_its_free_bits_has_no_gradient(float64):
    kl = jnp.asarray([[0.1, 2.0], [0.3, 0.0]])
    np.testing.assert_allclose(free_bits(kl, least=0.5), [2.5, 0.5])
    gradient = jax.grad(lambda k: free_bits(k, least=0.5).sum())(kl)
    np.testing.assert_array_equal(gradient, [[0, 1], [0, 1]])


def test_the_weight_rises_linearly_to_one_and_stays():
    weights = [float(linear_warmup(jnp.asarray(float(step)), steps=4)) for step in range(7)]
    assert weights == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
