"""Fitted posteriors on the linear-Gaussian model, whose posterior is a Gaussian of independent dimensions where the
decoder's columns are orthogonal: then a datum's own parameters attain log p(x), from wherever they start.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from experiments.evaluations.amortization import InferenceDraw, fit_posteriors, mean_elbo, sampled_elbo
from losses.divergences import gaussian_kl
from losses.likelihoods import Likelihood, gaussian_log_likelihood
from models.vae import Gaussian
from train.task import Draw

PIXELS, LATENT, NOISE, COUNT = 6, 2, 0.3, 40


def close(actual, expected, tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), actual, expected)


def keys(count, seed=0):
    return jax.random.split(jax.random.key(seed), count)


class Linear:
    """p(z) = N(0, I), p(x | z) = N(W z, s² I): log p(x) and the posterior are known."""

    def __init__(self, *, orthogonal):
        rng = np.random.default_rng(0)
        columns = np.linalg.qr(rng.normal(size=(PIXELS, LATENT)))[0] * [1.5, 0.6]
        self.weights = columns if orthogonal else columns @ np.array([[1.0, 0.9], [0.0, 0.5]])
        draws = rng.normal(size=(COUNT, LATENT)) @ self.weights.T + np.sqrt(NOISE) * rng.normal(size=(COUNT, PIXELS))
        self.images = jnp.asarray(draws)
        covariance = self.weights @ self.weights.T + NOISE * np.eye(PIXELS)
        self.log_p = scipy.stats.multivariate_normal(np.zeros(PIXELS), covariance).logpdf(draws)
        precision = self.weights.T @ self.weights / NOISE + np.eye(LATENT)
        self.mean = draws @ self.weights / NOISE @ np.linalg.inv(precision)
        self.precision = precision

    def likelihood(self):
        def log_likelihood(image, decoded):
            return gaussian_log_likelihood(image, decoded, jnp.full(image.shape, np.log(NOISE)))

        return Likelihood(1, log_likelihood, lambda decoded: decoded)

    def bound(self, samples):
        return sampled_elbo(lambda latents: latents @ self.weights.T, self.likelihood(), self.images, samples=samples)

    def exact_elbo(self, posterior):
        """E_q log p(x | z) − KL, in closed form."""
        mean, log_variance = map(np.asarray, posterior)
        residual = np.asarray(self.images) - mean @ self.weights.T
        spread = np.exp(log_variance) @ (self.weights**2).sum(axis=0)
        reconstruction = -0.5 * (PIXELS * np.log(2 * np.pi * NOISE) + ((residual**2).sum(axis=1) + spread) / NOISE)
        return reconstruction - np.asarray(jax.vmap(gaussian_kl)(*posterior))


def starts():
    rng = np.random.default_rng(1)
    prior = Gaussian(jnp.zeros((COUNT, LATENT)), jnp.zeros((COUNT, LATENT)))
    return {"prior": prior, "elsewhere": Gaussian(*(jnp.asarray(rng.normal(size=(COUNT, LATENT))) for _ in range(2)))}


@pytest.mark.parametrize("start", ["prior", "elsewhere"])
def test_parameters_of_its_own_attain_the_log_likelihood(float64, start):
    """The derivative's noise vanishes at the posterior, so the ascent ends there, not near it."""
    model = Linear(orthogonal=True)
    fit = jax.jit(lambda s: fit_posteriors(model.bound(4), s, keys(COUNT), steps=3000, learning_rate=0.05))
    posterior, bounds = fit(starts()[start])
    close(posterior.mean, model.mean, 1e-3)  # the ELBO's error is the square of this one
    close(np.exp(posterior.log_variance), np.tile(1 / np.diag(model.precision), (COUNT, 1)), 1e-3)
    close(model.exact_elbo(posterior), model.log_p, 1e-6)
    close(bounds[-1], model.log_p, 1e-3)
    assert (model.exact_elbo(starts()[start]) < model.log_p - 1e-3).all()


def test_a_gaussian_of_independent_dimensions_stays_below_where_the_posterior_is_none(float64):
    """The best one has the posterior's mean and the inverse diagonal of its precision (Bishop 2006, section 10.1.2); it
    loses ½ (Σ log P_ii − log det P).
    """
    model = Linear(orthogonal=False)
    fit = jax.jit(lambda s: fit_posteriors(model.bound(20), s, keys(COUNT), steps=3000, learning_rate=0.05))
    posterior, _ = fit(starts()["prior"])
    lost = 0.5 * (np.log(np.diag(model.precision)).sum() - np.linalg.slogdet(model.precision)[1])
    assert lost > 0.1
    close(model.log_p - model.exact_elbo(posterior), np.full(COUNT, lost), 5e-3)


def test_the_bound_estimates_the_elbo_without_bias(float64):
    model, posterior = Linear(orthogonal=True), starts()["elsewhere"]
    estimates = jax.jit(jax.vmap(lambda seed: model.bound(3)(posterior, keys(COUNT, seed))))(jnp.arange(3000))
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert (np.abs(estimates.mean(axis=0) - model.exact_elbo(posterior)) < 5 * error).all()


def test_its_derivative_is_that_of_the_elbo_on_average_and_has_no_noise_at_the_posterior(float64):
    model = Linear(orthogonal=True)

    def gradients(posterior, repeats):
        one = jax.grad(lambda q, seed: model.bound(1)(q, keys(COUNT, seed)).sum())
        return jax.jit(jax.vmap(one, (None, 0)))(posterior, jnp.arange(repeats))

    elsewhere = starts()["elsewhere"]
    sampled = gradients(elsewhere, 4000)
    mean, log_variance = map(np.asarray, elsewhere)
    curvature = (model.weights**2).sum(axis=0) / NOISE
    expected = Gaussian(
        (np.asarray(model.images) - mean @ model.weights.T) @ model.weights / NOISE - mean,
        -0.5 * np.exp(log_variance) * curvature - 0.5 * (np.exp(log_variance) - 1),
    )
    for found, exact in zip(sampled, expected, strict=True):
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - exact) < 5.5 * error).all()
    exact = Gaussian(jnp.asarray(model.mean), jnp.tile(-jnp.log(jnp.diag(model.precision)), (COUNT, 1)))
    close(gradients(exact, 3), jax.tree.map(lambda leaf: np.zeros((3, *leaf.shape)), exact), 1e-9)


def test_no_datum_depends_on_another(float64):
    model, start = Linear(orthogonal=True), starts()["elsewhere"]
    rates = {"steps": 5, "learning_rate": 0.1}
    together, _ = fit_posteriors(model.bound(2), start, keys(COUNT), **rates)
    model.images = model.images[3:5]
    alone, _ = fit_posteriors(model.bound(2), jax.tree.map(lambda leaf: leaf[3:5], start), keys(COUNT)[3:5], **rates)
    close(jax.tree.map(lambda leaf: leaf[3:5], together), alone, 1e-12)


def test_the_mean_elbo_is_that_of_its_draws_in_blocks(float64):
    """Draw n has the keys folded with n, whatever the block of 20 that it is in."""
    model, posterior, count = Linear(orthogonal=True), starts()["elsewhere"], 23
    given = (lambda latents: latents @ model.weights.T), model.likelihood(), model.images
    measured = jax.jit(mean_elbo(*given, keys(COUNT), samples=count))(posterior)
    one = jax.jit(
        lambda number: model.bound(1)(posterior, jax.vmap(jax.random.fold_in, (0, None))(keys(COUNT), number))
    )
    close(measured, np.mean([one(number) for number in range(count)], axis=0), 1e-12)


def test_noise_to_fit_with_is_no_noise_to_measure_with():
    draws = [*Draw, *InferenceDraw]
    assert len({int(draw) for draw in draws}) == len(draws)
