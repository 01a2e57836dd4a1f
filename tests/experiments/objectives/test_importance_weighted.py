"""Training on the importance-weighted bound: the linear-Gaussian VAE, and the gradient by brute force."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_gaussian import (
    LATENT,
    close,
    in_training,
    keys,
    mean_and_standard_error,
    perturbed,
    quick_jit,
)

from experiments.objectives.evidence_bounds import negative_elbo, negative_importance_weighted_bound
from experiments.objectives.observation import identity
from train.task import Draw


def iwae_loss(exact, samples):
    return quick_jit(
        negative_importance_weighted_bound(in_training(exact.model.apply), exact.likelihood, identity, samples=samples)
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
    given = in_training(ppca.model.apply), ppca.likelihood, identity
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
    given = in_training(ppca.model.apply), ppca.likelihood, identity
    loss_fn = negative_importance_weighted_bound(*given, samples=samples)
    gradient = quick_jit(jax.grad(lambda p: loss_fn(p, batch, key[None])[0][0]))(params)
    sample_keys = jax.random.split(jax.random.fold_in(key, Draw.SAMPLE), samples)
    noise = [jax.random.normal(k, (LATENT,), jnp.float64) for k in sample_keys]

    @quick_jit
    @jax.value_and_grad
    def log_weight_and_gradient(params, epsilon):
        mean, log_variance = ppca.model.apply(params, image, method="encode")
        latent = mean + jnp.exp(log_variance / 2) * epsilon
        decoded = ppca.model.apply(params, latent, method="decode")
        log_q = log_normal(latent, mean, jnp.exp(log_variance))
        log_prior = log_normal(latent, 0.0, 1.0)
        return log_normal(image, decoded[..., 0], ppca.noise) + log_prior - log_q

    log_weights, gradients = zip(*(log_weight_and_gradient(params, epsilon) for epsilon in noise), strict=True)
    weights = np.exp(np.array(log_weights))
    assert weights.max() < 0.9 * weights.sum()
    expected = jax.tree.map(
        lambda *leaves: -sum(w * leaf for w, leaf in zip(weights / weights.sum(), leaves, strict=True)), *gradients
    )
    jax.tree.map(close, gradient, expected)


def log_normal(value, mean, variance):
    return jnp.sum(-0.5 * jnp.log(2 * jnp.pi * variance) - 0.5 * (value - mean) ** 2 / variance)
