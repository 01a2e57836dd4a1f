"""Bounds of the evidence log p(x) over a batch: the losses of variational autoencoders, and their likelihood.

Networks act on batches, formulas on one example, so the latter are mapped over the former's results.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from experiments.objectives.observation import Observe, drawing
from losses.collapse import free_bits, kl_per_dimension
from losses.divergences import gaussian_kl
from losses.elbo import elbo, importance_weighted_bound
from losses.likelihoods import Likelihood, gaussian_log_likelihood
from losses.metrics.latent_activity import active_units
from models.vae import Gaussian, sample_gaussian
from train.evaluation import WholeSet
from train.task import Draw, LossFn, Params


class Draws(NamedTuple):
    """What is drawn from the posterior of every image of a batch, and how well it explains the image."""

    posterior: Gaussian
    latents: Float[Array, "batch samples latent"]
    log_likelihoods: Float[Array, "batch samples"]


def _draw(apply: Callable, likelihood: Likelihood, observe: Observe, samples: int, params, batch, keys) -> Draws:
    network = partial(apply, drawing(keys, Draw.DROPOUT), params)
    images = jax.vmap(observe)(drawing(keys, Draw.OBSERVE), batch["image"])
    posterior = network(images, method="encode")
    sample_keys = jax.vmap(partial(jax.random.split, num=samples))(drawing(keys, Draw.SAMPLE))
    latents = jax.vmap(jax.vmap(sample_gaussian, (0, None)))(sample_keys, posterior)
    decoded = network(latents, method="decode")
    return Draws(posterior, latents, jax.vmap(jax.vmap(likelihood.log_likelihood, (None, 0)))(images, decoded))


def negative_elbo(
    apply: Callable,
    likelihood: Likelihood,
    observe: Observe,
    *,
    samples: int,
    beta: float | Float[Array, ""],
    free: float = 0.0,
) -> LossFn:
    """The loss ``(params, batch, keys) → (−ELBO, its two parts)``, one value per example, in nats.

    ``apply(keys, params, …)`` is that of a ``VAE`` in training. ``free`` nats of KL cost nothing in every dimension.
    """

    def loss_fn(params, batch, keys):
        posterior, _, log_likelihoods = _draw(apply, likelihood, observe, samples, params, batch, keys)
        kl = jax.vmap(gaussian_kl)(*posterior)
        paid = free_bits(kl_per_dimension(*posterior), least=free) if free else kl
        losses = -jax.vmap(partial(elbo, beta=beta))(log_likelihoods, paid)
        return losses, {"kl": kl, "reconstruction": -log_likelihoods.mean(axis=1)}

    return loss_fn


def negative_importance_weighted_bound(
    apply: Callable, likelihood: Likelihood, observe: Observe, *, samples: int
) -> LossFn:
    """The loss ``(params, batch, keys) → (−L_K, the ELBO's two parts)`` of an importance-weighted autoencoder.

    One value per example, in nats, from K = ``samples`` draws. Burda et al. 2016, equation 8; differentiated, it is
    equation 14.
    """

    def loss_fn(params, batch, keys):
        posterior, latents, log_likelihoods = _draw(apply, likelihood, observe, samples, params, batch, keys)
        log_density = jax.vmap(jax.vmap(gaussian_log_likelihood, (0, None, None)))
        prior = jax.tree.map(jnp.zeros_like, posterior)
        log_weights = log_likelihoods + log_density(latents, *prior) - log_density(latents, *posterior)
        losses = -jax.vmap(importance_weighted_bound)(log_weights)
        return losses, {"kl": jax.vmap(gaussian_kl)(*posterior), "reconstruction": -log_likelihoods.mean(axis=1)}

    return loss_fn


def likelihood_estimate(apply: Callable, likelihood: Likelihood, observe: Observe, *, samples: int) -> Callable:
    """The metrics ``(params, batch, keys) → {elbo, nll, kl}``, one value per example, in nats.

    From ``samples`` importance weights: the ELBO is the mean of their logarithms, −NLL the logarithm of their mean.
    """

    def metric_fn(params, batch, keys):
        images = jax.vmap(observe)(drawing(keys, Draw.OBSERVE), batch["image"])
        posterior = apply(params, images, method="encode")
        prior = jax.tree.map(jnp.zeros_like, posterior)

        def log_weight(sample):
            sample_keys = jax.vmap(jax.random.fold_in, (0, None))(drawing(keys, Draw.SAMPLE), sample)
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


def count_active_units(apply: Callable, observe: Observe, images: Float[np.ndarray, " images *shape"]) -> WholeSet:
    """The measure ``active_units``: how many dimensions of the latent tell these images apart."""

    def measure(params: Params, images: Float[Array, " images *shape"], key: Key[Array, ""]) -> dict[str, Array]:
        observed = jax.vmap(observe)(jax.random.split(key, len(images)), images)
        return {"active_units": active_units(apply(params, observed, method="encode").mean)}

    return WholeSet(images, measure)
