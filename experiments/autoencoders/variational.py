"""What variational autoencoders share: the training loss and the estimate of the likelihood, over a batch.

Networks act on batches, formulas on one example, so the latter are mapped over the former's results.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from losses.divergences import gaussian_kl
from losses.elbo import elbo, importance_weighted_bound
from losses.likelihoods import Likelihood, gaussian_log_likelihood
from models.vae import sample_gaussian
from train.task import LossFn

Observe = Callable[[Array, Array], Array]


def as_they_are(images: Float[Array, "batch *shape"], keys: Key[Array, " batch"]) -> Float[Array, "batch *shape"]:
    """Observes the images themselves."""
    del keys
    return images


def redrawn_bits(images: Float[Array, "batch *shape"], keys: Key[Array, " batch"]) -> Float[Array, "batch *shape"]:
    """Observes bits drawn anew from the intensities (stochastic binarisation; Salakhutdinov & Murray 2008)."""
    return jax.vmap(jax.random.bernoulli)(keys, images).astype(images.dtype)


def negative_elbo(apply: Callable, likelihood: Likelihood, observe: Observe, *, samples: int, beta: float) -> LossFn:
    """The loss ``(params, batch, keys) → (−ELBO, its two parts)``, one value per example, in nats.

    ``apply(keys, params, …)`` is that of a ``VAE`` in training.
    """

    def loss_fn(params, batch, keys):
        network = partial(apply, jax.vmap(lambda key: jax.random.fold_in(key, 2))(keys), params)
        keys = jax.vmap(jax.random.split)(keys)
        images = observe(batch["image"], keys[:, 0])
        posterior = network(images, method="encode")
        sample_keys = jax.vmap(partial(jax.random.split, num=samples))(keys[:, 1])
        latents = jax.vmap(jax.vmap(sample_gaussian, (0, None)))(sample_keys, posterior)
        decoded = network(latents, method="decode")
        log_likelihoods = jax.vmap(jax.vmap(likelihood.log_likelihood, (None, 0)))(images, decoded)
        kl = jax.vmap(gaussian_kl)(*posterior)
        losses = -jax.vmap(partial(elbo, beta=beta))(log_likelihoods, kl)
        return losses, {"kl": kl, "reconstruction": -log_likelihoods.mean(axis=1)}

    return loss_fn


def likelihood_estimate(apply: Callable, likelihood: Likelihood, observe: Observe, *, samples: int) -> Callable:
    """The metrics ``(params, batch, keys) → {elbo, nll, kl}``, one value per example, in nats.

    From ``samples`` importance weights: the ELBO is the mean of their logarithms, −NLL the logarithm of their mean.
    """

    def metric_fn(params, batch, keys):
        keys = jax.vmap(jax.random.split)(keys)
        images = observe(batch["image"], keys[:, 0])
        posterior = apply(params, images, method="encode")
        prior = jax.tree.map(jnp.zeros_like, posterior)

        def log_weight(sample):
            sample_keys = jax.vmap(lambda key: jax.random.fold_in(key, sample))(keys[:, 1])
            latents = jax.vmap(sample_gaussian)(sample_keys, posterior)
            decoded = apply(params, latents, method="decode")
            log_density = jax.vmap(gaussian_log_likelihood)
            return (
                jax.vmap(likelihood.log_likelihood)(images, decoded)
                + log_density(latents, *prior)
                - log_density(latents, *posterior)
            )

        log_weights = jax.lax.map(log_weight, jnp.arange(samples), batch_size=min(samples, 20))
        return {
            "elbo": log_weights.mean(axis=0),
            "nll": -jax.vmap(importance_weighted_bound, in_axes=1)(log_weights),
            "kl": jax.vmap(gaussian_kl)(*posterior),
        }

    return metric_fn
