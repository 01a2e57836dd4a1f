"""The ELBO and the likelihood estimate on models whose likelihood is known exactly.

Linear-Gaussian VAE: p(z) = N(0, I), p(x | z) = N(W z + b, s² I), so p(x) = N(b, W Wᵀ + s² I), and the posterior is
N(M⁻¹ Wᵀ (x − b), s² M⁻¹), M = Wᵀ W + s² I. At probabilistic PCA's W (Tipping & Bishop 1999, equation 7) M is diagonal,
so that a VAE's encoder can be the posterior itself, and the ELBO the log-likelihood.
"""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
import scipy.stats
from sklearn.decomposition import PCA

from experiments.autoencoders.vae import VAESettings, evaluate, loss_of_step, task
from experiments.autoencoders.variational import (
    as_they_are,
    count_active_units,
    likelihood_estimate,
    negative_elbo,
    negative_importance_weighted_bound,
    redrawn_bits,
)
from losses.divergences import gaussian_kl
from losses.elbo import importance_weighted_bound
from losses.likelihoods import LIKELIHOODS, Likelihood, gaussian_log_likelihood
from models.autoencoder import MLPDecoder, MLPEncoder
from models.dropout import with_dropout
from models.vae import VAE, GaussianHead
from train.task import supervised

IMAGE_SHAPE, LATENT = (2, 3, 1), 2
PIXELS = 6
LEVELS, NODES = 5, 24


class LinearGaussian(NamedTuple):
    """Images, a VAE with its parameters, its decoder's likelihood and s², and log p(x) of every image."""

    images: jax.Array
    model: VAE
    params: dict
    likelihood: Likelihood
    noise: float
    log_p: np.ndarray


def close(actual, expected, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


def quick_jit(function):
    """Compiling is most of the time here."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def keys(count, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def linear_vae():
    return VAE(MLPEncoder(GaussianHead(LATENT), ()), MLPDecoder(IMAGE_SHAPE, 1, ()))


in_training = partial(with_dropout, rate=0.0, input_rate=0.0)


def gaussian_of_log_variance(log_variance):
    def log_likelihood(image, decoded):
        return gaussian_log_likelihood(image, decoded[..., 0], jnp.full(image.shape, log_variance))

    return Likelihood(1, log_likelihood, lambda decoded: decoded[..., 0])


def linear_params(encode, encode_bias, log_variance, decode, decode_bias):
    def layer(kernel, bias):
        return {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}

    kernel = np.concatenate([encode, np.zeros((PIXELS, LATENT))], axis=1)
    head = {"Dense_0": layer(kernel, np.concatenate([encode_bias, log_variance]))}
    return {"params": {"encoder": {"head": head}, "decoder": {"Dense_0": layer(decode, decode_bias)}}}


def correlated_data(count=150):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, PIXELS)) * [[1.5], [1.0], [0.4]]
    return rng.normal(size=(count, 3)) @ mixing + 0.5 * rng.normal(size=(count, PIXELS)) + rng.normal(size=PIXELS)


@pytest.fixture
def ppca(float64):
    """The VAE that is scikit-learn's probabilistic PCA (its variances those of a covariance over n − 1)."""
    data = correlated_data()
    pca = PCA(LATENT, svd_solver="full").fit(data)
    noise = pca.noise_variance_
    weights = pca.components_.T * np.sqrt(pca.explained_variance_ - noise)
    encode = weights / pca.explained_variance_
    log_variance = np.log(noise / pca.explained_variance_)
    params = linear_params(encode, -pca.mean_ @ encode, log_variance, weights.T, pca.mean_)
    likelihood = gaussian_of_log_variance(np.log(noise))
    images = jnp.asarray(data).reshape(-1, *IMAGE_SHAPE)
    return LinearGaussian(images, linear_vae(), params, likelihood, noise, pca.score_samples(data))


def likelihood_metrics(exact, samples, *, params=None, seed=0):
    metric_fn = quick_jit(likelihood_estimate(exact.model.apply, exact.likelihood, as_they_are, samples=samples))
    return metric_fn(params or exact.params, {"image": exact.images}, keys(len(exact.images), seed))


def perturbed(params):
    """An encoder that is not quite the posterior."""
    layer = params["params"]["encoder"]["head"]["Dense_0"]
    shift = jnp.concatenate([jnp.zeros(LATENT), jnp.full(LATENT, 0.3)])
    head = {"Dense_0": {"kernel": 0.9 * layer["kernel"], "bias": layer["bias"] + shift}}
    return {"params": params["params"] | {"encoder": {"head": head}}}


def test_log_likelihood_of_the_linear_gaussian_model_is_that_of_its_marginal(ppca):
    """The oracle itself: scikit-learn's score against the Gaussian with covariance W Wᵀ + s² I."""
    decoder = ppca.params["params"]["decoder"]["Dense_0"]
    covariance = decoder["kernel"].T @ decoder["kernel"] + ppca.noise * np.eye(PIXELS)
    marginal = scipy.stats.multivariate_normal(decoder["bias"], covariance)
    close(ppca.log_p, marginal.logpdf(ppca.images.reshape(-1, PIXELS)), 1e-10)


@pytest.mark.parametrize("samples", [1, 3, 25])
def test_with_the_exact_posterior_every_importance_weight_is_the_likelihood(ppca, samples):
    """The mean of the logarithms and the logarithm of the mean agree only where no weight differs."""
    metrics = likelihood_metrics(ppca, samples)
    close(metrics["nll"], -ppca.log_p)
    close(metrics["elbo"], ppca.log_p)


def test_with_the_exact_posterior_the_elbo_is_the_log_likelihood(ppca):
    """The KL is analytic here, so the ELBO is exact up to the spread of its reconstruction term."""
    loss_fn = quick_jit(
        negative_elbo(in_training(ppca.model.apply), ppca.likelihood, as_they_are, samples=100, beta=1.0)
    )
    count = len(ppca.images)
    elbos = [-np.mean(loss_fn(ppca.params, {"image": ppca.images}, keys(count, seed))[0]) for seed in range(20)]
    standard_error = np.std(elbos, ddof=1) / np.sqrt(len(elbos))
    assert abs(np.mean(elbos) - ppca.log_p.mean()) < 5 * standard_error < 0.02


def test_loss_is_reconstruction_plus_beta_kl(ppca):
    batch, example_keys = {"image": ppca.images[:7]}, keys(7)
    posterior = ppca.model.apply(ppca.params, batch["image"], method="encode")
    kl = [gaussian_kl(mean, log_variance) for mean, log_variance in zip(*posterior, strict=True)]
    for beta in (0.0, 1.0, 3.0):
        loss_fn = quick_jit(
            negative_elbo(in_training(ppca.model.apply), ppca.likelihood, as_they_are, samples=2, beta=beta)
        )
        losses, parts = loss_fn(ppca.params, batch, example_keys)
        close(parts["kl"], kl, 1e-12)
        close(losses, parts["reconstruction"] + beta * parts["kl"], 1e-12)


def test_reconstruction_term_is_its_closed_form(ppca):
    """E log p(x | z) = log N(x; W m + b, s²) − ½ tr(Wᵀ W V) / s² under q = N(m, V): within five standard errors."""
    params = perturbed(ppca.params)
    weights = params["params"]["decoder"]["Dense_0"]["kernel"]
    posterior = ppca.model.apply(params, ppca.images, method="encode")
    decoded = ppca.model.apply(params, posterior.mean, method="decode")
    spread = np.exp(posterior.log_variance) @ np.sum(np.square(weights), axis=1) / (2 * ppca.noise)
    expected = jax.vmap(ppca.likelihood.log_likelihood)(ppca.images, decoded) - spread
    loss_fn = quick_jit(
        negative_elbo(in_training(ppca.model.apply), ppca.likelihood, as_they_are, samples=200, beta=1.0)
    )
    _, parts = loss_fn(params, {"image": ppca.images}, keys(len(ppca.images)))
    error = -parts["reconstruction"] - expected
    assert abs(error.mean()) < 5 * error.std() / np.sqrt(len(error)) < 0.1
    assert (np.abs(error) < 6 * error.std()).all()


def test_importance_samples_tighten_an_inexact_posterior(ppca):
    """The ELBO falls short by KL(q ‖ posterior); 1,000 weights recover the likelihood to the spread of their mean."""
    metrics = likelihood_metrics(ppca, 1000, params=perturbed(ppca.params))
    assert metrics["elbo"].mean() < ppca.log_p.mean() - 0.02
    error = -metrics["nll"] - ppca.log_p
    assert abs(error.mean()) < 5 * error.std() / np.sqrt(len(error)) < 0.02


def test_each_importance_sample_counts_once(ppca):
    """From K − 1 to K samples (K crosses a block of 20) both metrics gain one and the same new weight."""
    params = perturbed(ppca.params)
    for samples in (2, 21):
        fewer, more = (likelihood_metrics(ppca, k, params=params) for k in (samples - 1, samples))
        log_weight = samples * more["elbo"] - (samples - 1) * fewer["elbo"]
        weight = samples * np.exp(-more["nll"]) - (samples - 1) * np.exp(-fewer["nll"])
        close(weight, np.exp(log_weight))
        assert (np.abs(log_weight - fewer["elbo"]) > 1e-9).all()


def test_an_example_depends_on_its_own_key_only(ppca):
    batch, some = {"image": ppca.images[:6]}, {"image": ppca.images[2:4]}
    loss_fn = quick_jit(negative_elbo(in_training(ppca.model.apply), ppca.likelihood, as_they_are, samples=3, beta=1.0))
    metric_fn = quick_jit(likelihood_estimate(ppca.model.apply, ppca.likelihood, as_they_are, samples=3))
    close(loss_fn(ppca.params, batch, keys(6))[0][2:4], loss_fn(ppca.params, some, keys(6)[2:4])[0], 1e-12)
    params = perturbed(ppca.params)
    close(metric_fn(params, batch, keys(6))["nll"][2:4], metric_fn(params, some, keys(6)[2:4])["nll"], 1e-12)


def test_training_climbs_to_probabilistic_pcas_likelihood_and_not_above(float64):
    """From a random start, s² trained too; the maximum is −½ (d log 2π + Σ_{i≤k} log λ_i + (d − k) log s² + d)."""
    data = correlated_data()
    eigenvalues = np.linalg.eigvalsh(np.cov(data.T, bias=True))[::-1]
    noise = eigenvalues[LATENT:].mean()
    logs = np.log(eigenvalues[:LATENT]).sum() + (PIXELS - LATENT) * np.log(noise)
    best = -0.5 * (PIXELS * np.log(2 * np.pi) + logs + PIXELS)
    model, batch = linear_vae(), {"image": jnp.asarray(data).reshape(-1, *IMAGE_SHAPE)}

    def init_params(key):
        vae = model.init(key, jnp.zeros((1, *IMAGE_SHAPE), jnp.float32))  # smaller: else exp(s) may begin at thousands
        return {"vae": jax.tree.map(lambda leaf: 0.3 * leaf.astype(jnp.float64), vae), "log_variance": jnp.zeros(())}

    def loss_fn(params, batch, keys):
        likelihood = gaussian_of_log_variance(params["log_variance"])
        return negative_elbo(in_training(model.apply), likelihood, as_they_are, samples=4, beta=1.0)(
            params["vae"], batch, keys
        )

    def evaluated(params, seed):
        metric_fn = likelihood_estimate(
            model.apply, gaussian_of_log_variance(params["log_variance"]), as_they_are, samples=100
        )
        return metric_fn(params["vae"], batch, keys(len(data), seed))["elbo"].mean()

    task = supervised(loss_fn, init_params, optax.adam(lambda count: 0.03 * jnp.exp(-count.astype(float) / 700)))

    @quick_jit
    def train(state):
        def chunk(state, _):
            state, _ = jax.lax.scan(lambda s, _: task.step(s, batch), state, None, 700)
            return state, jax.vmap(lambda seed: evaluated(state.params, seed))(jnp.arange(4))

        return jax.lax.scan(chunk, state, None, 5)

    _, elbos = train(task.init(jax.random.key(0)))
    standard_errors = np.std(elbos, axis=1, ddof=1) / 2
    means = elbos.mean(axis=1)
    assert best - 0.01 < means[-1]
    assert (means < best + 5 * standard_errors + 1e-9).all()
    assert means[0] < means[-1]


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
    metric_fn = likelihood_estimate(model.model.apply, model.likelihood, as_they_are, samples=samples)
    grid = keys(repeats * LEVELS, seed).reshape(repeats, LEVELS)
    bounds = quick_jit(jax.vmap(lambda k: -metric_fn(model.params, {"image": model.images}, k)["nll"]))
    return np.asarray(bounds(grid))


def mean_and_standard_error(values):
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def test_quadrature_of_the_categorical_model_has_converged_and_sums_to_one(categorical_model):
    """To 1e-5 (the poles of tanh slow it down), far below the standard errors that it is held against."""
    close(marginal(categorical_model).sum(), 1.0, 1e-12)
    close(marginal(categorical_model), marginal(categorical_model, NODES + 8), 1e-5)


def test_exact_elbo_of_the_categorical_model_is_below_log_p(categorical_model):
    assert (exact_elbo(categorical_model) < np.log(marginal(categorical_model))).all()


@pytest.mark.parametrize("samples", [1, 5])
def test_loss_estimates_the_exact_elbo_whatever_the_number_of_samples(categorical_model, samples):
    model, repeats = categorical_model, 2000
    loss_fn = negative_elbo(in_training(model.model.apply), model.likelihood, as_they_are, samples=samples, beta=1.0)
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


def test_redrawn_bits_are_bits_with_the_intensity_as_mean():
    """Within five standard errors √(p (1 − p) / N); zero and one are kept."""
    images = jnp.tile(jnp.asarray([0.0, 0.2, 0.5, 0.9, 1.0]).reshape(1, 5, 1, 1), (4000, 1, 1, 1))
    bits = np.asarray(redrawn_bits(images, keys(4000)))[:, :, 0, 0]
    assert set(np.unique(bits)) == {0.0, 1.0}
    probability = np.asarray(images[0, :, 0, 0])
    bound = 5 * np.sqrt(probability * (1 - probability) / 4000) + 1e-7
    assert (np.abs(bits.mean(axis=0) - probability) <= bound).all()


def test_loss_and_metrics_see_the_observed_images(ppca):
    """The same numbers as from the bits themselves: observed zeros and ones are redrawn to themselves."""
    bits = {"image": jnp.round(jax.nn.sigmoid(ppca.images[:5]))}
    grey = {"image": jnp.full_like(bits["image"], 0.5)}
    for make in (
        likelihood_estimate,
        lambda apply, *a, samples: negative_elbo(in_training(apply), *a, samples=samples, beta=1.0),
    ):
        redrawn, kept = (
            quick_jit(make(ppca.model.apply, ppca.likelihood, o, samples=2)) for o in (redrawn_bits, as_they_are)
        )
        jax.tree.map(
            np.testing.assert_array_equal, redrawn(ppca.params, bits, keys(5)), kept(ppca.params, bits, keys(5))
        )
        before, after = (jax.tree.leaves(redrawn(ppca.params, grey, keys(5, seed)))[0] for seed in (0, 1))
        assert (before != after).all()


def iwae_loss(exact, samples):
    return quick_jit(
        negative_importance_weighted_bound(
            in_training(exact.model.apply), exact.likelihood, as_they_are, samples=samples
        )
    )


@pytest.mark.parametrize("samples", [1, 7])
def test_with_the_exact_posterior_the_iwae_loss_is_the_likelihood(ppca, samples):
    losses, _ = iwae_loss(ppca, samples)(ppca.params, {"image": ppca.images}, keys(len(ppca.images)))
    close(losses, -ppca.log_p)


def test_the_iwae_bound_never_decreases_in_k_and_stays_below_log_p(ppca):
    """K = 1, 5, 50 under an inexact posterior; each step above five of its standard errors over 40 repeats."""
    params, batch = perturbed(ppca.params), {"image": ppca.images}
    bounds = []
    for samples in (1, 5, 50):
        loss = iwae_loss(ppca, samples)
        bounds.append([-loss(params, batch, keys(len(ppca.images), 100 * samples + r))[0].mean() for r in range(40)])
    means, errors = zip(*(mean_and_standard_error(np.asarray(values)) for values in bounds), strict=True)
    for (low, low_error), (high, high_error) in pairwise(zip(means, errors, strict=True)):
        assert high - low > 5 * np.hypot(low_error, high_error)
    assert all(mean < ppca.log_p.mean() + 5 * error for mean, error in zip(means, errors, strict=True))


def test_one_sample_of_the_iwae_bound_estimates_the_elbo(ppca):
    params, batch, repeats = perturbed(ppca.params), {"image": ppca.images[:5]}, 3000
    given = in_training(ppca.model.apply), ppca.likelihood, as_they_are
    grid = keys(repeats * 5).reshape(repeats, 5)
    losses = [
        mean_and_standard_error(np.asarray(quick_jit(jax.vmap(lambda k, f=f: f(params, batch, k)[0]))(grid)))
        for f in (negative_importance_weighted_bound(*given, samples=1), negative_elbo(*given, samples=1, beta=1.0))
    ]
    (one, one_error), (other, other_error) = losses
    assert (np.abs(one - other) < 5 * np.hypot(one_error, other_error)).all()


def test_gradient_of_the_iwae_loss_is_the_self_normalised_mean_of_the_weights_gradients(ppca):
    """Burda et al. 2016, equation 14: each log w_k from its own draw z_k = m + σ ε_k, one after the other."""
    samples, params = 4, perturbed(ppca.params)
    image, key = ppca.images[3], jax.random.key(5)
    batch = {"image": image[None]}
    given = in_training(ppca.model.apply), ppca.likelihood, as_they_are
    loss_fn = negative_importance_weighted_bound(*given, samples=samples)
    gradient = jax.grad(lambda p: loss_fn(p, batch, key[None])[0][0])(params)
    sample_keys = jax.random.split(jax.random.split(key)[1], samples)
    noise = [jax.random.normal(k, (LATENT,), jnp.float64) for k in sample_keys]

    def log_weight(params, epsilon):
        mean, log_variance = ppca.model.apply(params, image, method="encode")
        latent = mean + jnp.exp(log_variance / 2) * epsilon
        decoded = ppca.model.apply(params, latent, method="decode")
        log_q = log_normal(latent, mean, jnp.exp(log_variance))
        log_prior = log_normal(latent, 0.0, 1.0)
        return log_normal(image, decoded[..., 0], ppca.noise) + log_prior - log_q

    weights = np.array([np.exp(log_weight(params, epsilon)) for epsilon in noise])
    assert weights.max() < 0.9 * weights.sum()
    gradients = [jax.grad(log_weight)(params, epsilon) for epsilon in noise]
    expected = jax.tree.map(
        lambda *leaves: -sum(w * leaf for w, leaf in zip(weights / weights.sum(), leaves, strict=True)), *gradients
    )
    jax.tree.map(close, gradient, expected)


def log_normal(value, mean, variance):
    return jnp.sum(-0.5 * jnp.log(2 * jnp.pi * variance) - 0.5 * (value - mean) ** 2 / variance)


def test_free_bits_replace_the_kl_of_dimensions_that_are_nearly_off(ppca):
    """With λ above every dimension's KL the loss is the reconstruction and λ for each of them; with λ = 0 the ELBO."""
    batch, example_keys = {"image": ppca.images}, keys(len(ppca.images))
    given = in_training(ppca.model.apply), ppca.likelihood, as_they_are
    losses, parts = negative_elbo(*given, samples=1, beta=2.0, free=50.0)(ppca.params, batch, example_keys)
    close(losses, parts["reconstruction"] + 2.0 * LATENT * 50.0)
    losses, parts = negative_elbo(*given, samples=1, beta=2.0, free=1e-9)(ppca.params, batch, example_keys)
    close(losses, parts["reconstruction"] + 2.0 * parts["kl"])


class Digits:
    """As much of a data set as a task needs: bits of 4×4 pixels, of which each half of the image is one bit."""

    image_shape, levels = (4, 4, 1), 2

    def __init__(self, count=200):
        halves = np.random.default_rng(0).integers(2, size=(count, 2))
        self.images = np.repeat(np.repeat(halves, 2, axis=1)[:, None, :, None], 4, axis=1).astype(np.float32)

    def head(self, split, count):
        return {"image": self.images[:count]}


def trained(settings, dataset, start=None):
    """The parameters after the task's steps on the whole of the data; ``start`` changes the first ones."""
    made = task(settings, dataset)
    state = made.init(jax.random.key(0))
    state = state._replace(params=(start or (lambda params: params))(state.params))
    batch = {"image": jnp.asarray(dataset.images)}
    state, _ = jax.jit(lambda s: jax.lax.scan(lambda s, _: made.step(s, batch), s, None, settings.steps))(state)
    return state.params


def test_a_decoder_that_ignores_its_latent_has_no_active_units():
    """Its first layer is zero and gets no gradient, for it feeds dead units only: the KL switches all latents off."""
    dataset = Digits()
    settings = VAESettings(steps=300, widths=(8,), latent=3, binarization="none", learning_rate=0.02)

    def deaf(params):
        layer = params["params"]["decoder"]["MLP_0"]["Dense_0"]
        dead = {"kernel": jnp.zeros_like(layer["kernel"]), "bias": jnp.full_like(layer["bias"], -1.0)}
        decoder = params["params"]["decoder"] | {"MLP_0": {"Dense_0": dead}}
        return {"params": params["params"] | {"decoder": decoder}}

    units = {}
    for name, start in (("deaf", deaf), ("hearing", None)):
        params = trained(settings, dataset, start)
        model_and = evaluate(settings, dataset)
        batch = {"image": jnp.asarray(dataset.images[:20])}
        metrics = jax.jit(model_and)(params, batch, keys(20))
        units[name] = float(metrics["active_units"][0]), float(metrics["kl"].mean())
    assert units["deaf"][0] == 0
    assert units["deaf"][1] < 0.01
    assert units["hearing"][0] >= 2
    assert units["hearing"][1] > 1.0


def test_active_units_are_those_of_the_images_given(ppca):
    count = count_active_units(ppca.model.apply, as_they_are, ppca.images)
    assert count(ppca.params) == LATENT
    blind = jax.tree.map(jnp.zeros_like, ppca.params)
    assert count(blind) == 0


def test_warm_up_weighs_the_kl_by_the_step_and_evaluation_does_not():
    dataset = Digits()
    settings = VAESettings(widths=(8,), latent=3, binarization="none", beta=2.0, beta_warmup=10)
    params = task(settings, dataset).init(jax.random.key(0)).params
    batch = {"image": jnp.asarray(dataset.images[:5])}
    for step, beta in ((0, 0.0), (5, 1.0), (10, 2.0), (99, 2.0)):
        losses, parts = loss_of_step(settings, dataset)(jnp.asarray(step))(params, batch, keys(5))
        np.testing.assert_allclose(losses, parts["reconstruction"] + beta * parts["kl"], rtol=1e-5)


@pytest.mark.parametrize("wrong", [{"beta": 2.0}, {"beta_warmup": 5}, {"free_bits": 0.1}])
def test_the_importance_weighted_bound_has_no_kl_term_to_weigh(wrong):
    with pytest.raises(ValueError, match="no KL term"):
        VAESettings(objective="iwae", **wrong)


def test_free_bits_need_the_whole_batch():
    with pytest.raises(ValueError, match="whole batch"):
        VAESettings(free_bits=0.1, accumulate=2)
