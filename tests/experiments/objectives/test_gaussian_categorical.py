"""The ELBO and the importance-weighted bound of the lectures' categorical model, integrated by quadrature."""

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from linear_gaussian import (
    close,
    in_training,
    keys,
    mean_and_standard_error,
    quick_jit,
)

from experiments.objectives.evidence_bounds import likelihood_estimate, negative_elbo
from experiments.objectives.observation import identity
from losses.elbo import importance_weighted_bound
from losses.likelihoods import LIKELIHOODS, Likelihood
from models.autoencoder import MLPDecoder, MLPEncoder
from models.vae import VAE, GaussianHead

LEVELS, NODES = 5, 24


class GaussianCategorical(NamedTuple):
    """The lectures' model: z ∈ ℝ³, x one of five values, and a small network between."""

    images: jax.Array
    model: VAE
    params: dict
    likelihood: Likelihood


@pytest.fixture
def categorical_model(float64):
    """All five values as images of one pixel, and random parameters."""
    images = jnp.arange(LEVELS, dtype=jnp.float64).reshape(LEVELS, 1, 1, 1) / (LEVELS - 1)
    model = VAE(MLPEncoder(GaussianHead(3), (4,), "tanh"), MLPDecoder((1, 1, 1), LEVELS, (8,), "tanh"))
    shapes = jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct(images.shape, jnp.float32))
    rng = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: jnp.asarray(0.5 * rng.normal(size=leaf.shape)), shapes)
    return GaussianCategorical(images, model, params, LIKELIHOODS["categorical"](LEVELS))


def expectation(function, nodes, mean=0.0, deviation=1.0):
    """Of a function of z ~ N(mean, deviation²) in three dimensions, by tensor Gauss–Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack(np.meshgrid(points, points, points, indexing="ij"), axis=-1).reshape(-1, 3)
    products = np.prod(np.stack(np.meshgrid(weights, weights, weights, indexing="ij")), axis=0).ravel()
    return products @ function(mean + deviation * grid) / (2 * np.pi) ** 1.5


def log_softmax_of_z(model):
    """log p(x | z) of all five values, computed outside the code under test."""
    layers = jax.tree.map(np.asarray, model.params["params"]["decoder"])

    def function(z):
        hidden = np.tanh(z @ layers["MLP_0"]["Dense_0"]["kernel"] + layers["MLP_0"]["Dense_0"]["bias"])
        return scipy.special.log_softmax(hidden @ layers["Dense_0"]["kernel"] + layers["Dense_0"]["bias"], axis=-1)

    return function


def marginal(model, nodes=NODES):
    """p(x) of all five values."""
    return expectation(lambda z: np.exp(log_softmax_of_z(model)(z)), nodes)


def exact_elbo(model):
    """E_q log p(x | z) − KL(q ‖ p) of all five values."""
    mean, log_variance = map(np.asarray, model.model.apply(model.params, model.images, method="encode"))
    deviation = np.exp(log_variance / 2)
    log_likelihood = [
        expectation(lambda z: log_softmax_of_z(model)(z)[:, x], NODES, mean[x], deviation[x]) for x in range(LEVELS)
    ]
    return np.array(log_likelihood) - 0.5 * np.sum(deviation**2 + mean**2 - 1 - log_variance, axis=1)


def repeated_bounds(model, samples, repeats, seed=0):
    """The K-sample bound [repeats, values], each repeat with its own draws."""
    metric_fn = likelihood_estimate(model.model.apply, model.likelihood, identity, samples=samples)
    grid = keys(repeats * LEVELS, seed).reshape(repeats, LEVELS)
    bounds = quick_jit(jax.vmap(lambda k: -metric_fn(model.params, {"image": model.images}, k)["nll"]))
    return np.asarray(bounds(grid))


def test_quadrature_of_the_categorical_model_has_converged_and_sums_to_one(categorical_model):
    """To 1e-5 (the poles of tanh slow it down), far below the standard errors that it is held against."""
    close(marginal(categorical_model).sum(), 1.0, 1e-12)
    close(marginal(categorical_model), marginal(categorical_model, NODES + 8), 1e-5)


def test_exact_elbo_of_the_categorical_model_is_below_log_p(categorical_model):
    assert (exact_elbo(categorical_model) < np.log(marginal(categorical_model))).all()


@pytest.mark.parametrize("samples", [1, 5])
def test_loss_estimates_the_exact_elbo_whatever_the_number_of_samples(categorical_model, samples):
    model, repeats = categorical_model, 2000
    loss_fn = negative_elbo(in_training(model.model.apply), model.likelihood, identity, samples=samples, beta=1.0)
    grid = keys(repeats * LEVELS).reshape(repeats, LEVELS)
    losses = quick_jit(jax.vmap(lambda k: loss_fn(model.params, {"image": model.images}, k)[0]))(grid)
    mean, standard_error = mean_and_standard_error(-np.asarray(losses))
    assert (np.abs(mean - exact_elbo(model)) < 5 * standard_error).all()
    assert (standard_error < 0.05).all()


def test_importance_weighted_bound_rises_from_the_elbo_with_k_and_stays_below_log_p(categorical_model):
    """K = 1, 5, 50, from independent draws, each step above three of its standard errors."""
    log_p = np.log(marginal(categorical_model))
    bounds = [mean_and_standard_error(repeated_bounds(categorical_model, k, 2000, seed=k)) for k in (1, 5, 50)]
    (first, first_error), *_ = bounds
    assert (np.abs(first - exact_elbo(categorical_model)) < 5 * first_error).all()
    for (lower, lower_error), (higher, higher_error) in pairwise(bounds):
        assert (higher - lower > 3 * np.hypot(lower_error, higher_error)).all()
    for mean, standard_error in bounds:
        assert (mean < log_p + 5 * standard_error).all()


def test_importance_weighted_bound_approaches_log_p(categorical_model):
    """Its bias, the variance of a weight over 2 K, is far below the standard error here."""
    mean, standard_error = mean_and_standard_error(repeated_bounds(categorical_model, 2000, 40))
    assert (np.abs(mean - np.log(marginal(categorical_model))) < 5 * standard_error).all()
    assert (standard_error < 0.02).all()


def test_bound_of_many_prior_samples_is_log_p(categorical_model):
    """With q = p the weights are p(x | z), and the losses' function alone gives the marginal."""
    draws = np.random.default_rng(0).normal(size=(50_000, 3))
    log_weights = log_softmax_of_z(categorical_model)(draws)
    bounds = jax.vmap(importance_weighted_bound, in_axes=1)(jnp.asarray(log_weights))
    relative_error = np.exp(log_weights).std(axis=0) / np.exp(log_weights).mean(axis=0) / np.sqrt(len(draws))
    assert (np.abs(bounds - np.log(marginal(categorical_model))) < 5 * relative_error).all()
