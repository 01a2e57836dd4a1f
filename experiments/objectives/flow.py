"""Likelihoods of flows over a batch, exact for real numbers, bounded for grey levels."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from experiments.objectives.observation import drawing
from losses.flow import change_of_variables, dequantization_bound
from losses.metrics.bits_per_dimension import bits_per_dimension
from models.layers.random_arrays import uniform
from train.task import Draw, LossFn, Params

Apply = Callable[..., dict[str, Array]]
"""A flow's ``apply``: latents and log-determinants under named keys."""


def log_densities(apply: Apply, params: Params, *values: Array) -> Float[Array, " batch"]:
    """Log p(x) of each value, in nats of density."""
    passed = apply(params, *values)
    return jax.vmap(change_of_variables)(passed["latent"], passed["log_determinant"])


def negative_log_density(apply: Apply) -> LossFn:
    """The loss ``(params, batch, keys) → (−log p(x), {"excess": log p*(x) − log p(x)})`` of points whose density p* is
    known, in nats; the mean of the excess estimates KL(p* ‖ p).
    """

    def loss_fn(params, batch, keys):
        losses = -log_densities(apply, params, batch["point"])
        return losses, {"excess": batch["log_density"] + losses}

    return loss_fn


def uniform_noise(keys: Key[Array, " batch"], images: Float[Array, " batch *shape"]) -> Float[Array, " batch *shape"]:
    """Noise in [0, 1) for every number of every image, each image by its own key."""
    return jax.vmap(lambda key: uniform(key, images.shape[1:], images.dtype))(keys)


def dequantized_bits(apply: Apply, *, samples: int) -> LossFn:
    """The loss ``(params, batch, keys) → (bits per dimension, {"nll": …})`` of grey images.

    −log P(x) is bounded from above by ``samples`` draws of the noise in the bins; "nll" is the bound in nats.
    """

    def log_weights(params, images, keys):
        passed = apply(params, images, uniform_noise(keys, images))
        return jax.vmap(change_of_variables)(passed["latent"], passed["log_determinant"]), passed["log_noise_density"]

    def loss_fn(params, batch, keys):
        images, each = batch["image"], jax.vmap(partial(jax.random.split, num=samples))(drawing(keys, Draw.SAMPLE))
        pairs = jax.lax.map(lambda of_draw: log_weights(params, images, of_draw), jnp.moveaxis(each, 1, 0))
        bounds = jax.vmap(dequantization_bound, in_axes=1)(*pairs)
        bits = jax.vmap(partial(bits_per_dimension, dimensions=images[0].size))(bounds)
        return bits, {"nll": -bounds}

    return loss_fn
