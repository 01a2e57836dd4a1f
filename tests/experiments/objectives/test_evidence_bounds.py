"""The ELBO and the likelihood estimate of the linear-Gaussian VAE, whose likelihood is known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
import scipy.stats
from linear_gaussian import (
    IMAGE_SHAPE,
    LATENT,
    PIXELS,
    close,
    correlated_data,
    gaussian_of_log_variance,
    in_training,
    keys,
    linear_vae,
    perturbed,
    quick_jit,
)

from experiments.objectives.evidence_bounds import likelihood_estimate, negative_elbo
from experiments.objectives.observation import dynamic_binarization, identity
from losses.divergences import gaussian_kl
from train.task import supervised


def likelihood_metrics(exact, samples, *, params=None, seed=0):
    metric_fn = quick_jit(likelihood_estimate(exact.model.apply, exact.likelihood, identity, samples=samples))
    return metric_fn(params or exact.params, {"image": exact.images}, keys(len(exact.images), seed))


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
    loss_fn = quick_jit(negative_elbo(in_training(ppca.model.apply), ppca.likelihood, identity, samples=100, beta=1.0))
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
            negative_elbo(in_training(ppca.model.apply), ppca.likelihood, identity, samples=2, beta=beta)
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
    loss_fn = quick_jit(negative_elbo(in_training(ppca.model.apply), ppca.likelihood, identity, samples=200, beta=1.0))
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
    loss_fn = quick_jit(negative_elbo(in_training(ppca.model.apply), ppca.likelihood, identity, samples=3, beta=1.0))
    metric_fn = quick_jit(likelihood_estimate(ppca.model.apply, ppca.likelihood, identity, samples=3))
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
        return negative_elbo(in_training(model.apply), likelihood, identity, samples=4, beta=1.0)(
            params["vae"], batch, keys
        )

    def evaluated(params, seed):
        metric_fn = likelihood_estimate(
            model.apply, gaussian_of_log_variance(params["log_variance"]), identity, samples=100
        )
        return metric_fn(params["vae"], batch, keys(len(data), seed))["elbo"].mean()

    task = supervised(loss_fn, init_params, optax.adam(lambda count: 0.05 * jnp.exp(-count.astype(float) / 300)))

    @jax.jit
    def train(state):
        def chunk(state, _):
            state, _ = jax.lax.scan(lambda s, _: task.step(s, batch), state, None, 300)
            return state, jax.vmap(lambda seed: evaluated(state.params, seed))(jnp.arange(4))

        return jax.lax.scan(chunk, state, None, 5)

    _, elbos = train(task.init(jax.random.key(0)))
    standard_errors = np.std(elbos, axis=1, ddof=1) / 2
    means = elbos.mean(axis=1)
    assert best - 0.01 < means[-1]
    assert (means < best + 5 * standard_errors + 1e-9).all()
    assert means[0] < means[-1]


def test_dynamic_binarization_draws_bits_with_the_intensity_as_mean():
    """Within five standard errors √(p (1 − p) / N); zero and one are kept."""
    images = jnp.tile(jnp.asarray([0.0, 0.2, 0.5, 0.9, 1.0]).reshape(1, 5, 1, 1), (4000, 1, 1, 1))
    bits = np.asarray(jax.vmap(dynamic_binarization)(keys(4000), images))[:, :, 0, 0]
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
            quick_jit(make(ppca.model.apply, ppca.likelihood, o, samples=2)) for o in (dynamic_binarization, identity)
        )
        jax.tree.map(
            np.testing.assert_array_equal, redrawn(ppca.params, bits, keys(5)), kept(ppca.params, bits, keys(5))
        )
        before, after = (jax.tree.leaves(redrawn(ppca.params, grey, keys(5, seed)))[0] for seed in (0, 1))
        assert (before != after).all()
