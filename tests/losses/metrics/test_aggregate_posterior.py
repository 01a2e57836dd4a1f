import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from losses.divergences import gaussian_kl
from losses.metrics.aggregate_posterior import aggregate_posterior_surgery

RNG = np.random.default_rng(0)


def test_the_parts_are_the_sums_over_all_pairs(float64):
    latents, means, log_variances = RNG.normal(size=(3, 6, 2))
    of_pairs = norm.logpdf(latents[:, None], means, np.exp(log_variances / 2)).sum(axis=-1)
    aggregate = logsumexp(of_pairs, axis=1) - np.log(6)
    found = aggregate_posterior_surgery(*map(jnp.asarray, (latents, means, log_variances)))
    np.testing.assert_allclose(found.information, (np.diag(of_pairs) - aggregate).mean(), rtol=1e-12)
    np.testing.assert_allclose(found.divergence, (aggregate - norm.logpdf(latents).sum(axis=1)).mean(), rtol=1e-12)


@pytest.mark.parametrize(("apart", "information"), [(0.0, 0.0), (1000.0, np.log(8))])
def test_information_is_nothing_where_all_are_alike_and_log_n_where_none_meet(apart, information, float64):
    means = apart * jnp.arange(8.0)[:, None]
    latents = means + jax.random.normal(jax.random.key(0), (8, 1), jnp.float64)
    found = aggregate_posterior_surgery(latents, means, jnp.zeros((8, 1)))
    assert float(found.information) == pytest.approx(information, abs=1e-9)


def test_together_they_are_the_mean_divergence(float64):
    means, log_variances = RNG.normal(size=(2000, 2)), 0.3 * RNG.normal(size=(2000, 2)) - 1
    latents = means + np.exp(log_variances / 2) * RNG.normal(size=means.shape)
    found = aggregate_posterior_surgery(*map(jnp.asarray, (latents, means, log_variances)))
    expected = jax.vmap(gaussian_kl)(jnp.asarray(means), jnp.asarray(log_variances)).mean()
    assert float(found.information + found.divergence) == pytest.approx(float(expected), abs=0.05)


def test_an_aggregate_that_is_the_prior_has_no_divergence(float64):
    """Means N(0, 0.75), variance 0.25: together N(0, 1)."""
    means = np.sqrt(0.75) * RNG.normal(size=(3000, 1))
    latents = means + 0.5 * RNG.normal(size=means.shape)
    found = aggregate_posterior_surgery(*map(jnp.asarray, (latents, means, np.full_like(means, np.log(0.25)))))
    assert float(found.divergence) == pytest.approx(0, abs=0.01)
