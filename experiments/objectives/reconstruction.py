"""Reconstruction over a batch: the losses of deterministic autoencoders, their penalties, and how good an image is.

Networks act on batches, formulas on one example, so the latter are mapped over the former's results.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from experiments.objectives.observation import Observe, drawing, identity
from losses.likelihoods import Likelihood
from losses.metrics.image_quality import peak_signal_to_noise
from losses.sparsity import SPARSITIES, contraction, l1_activity, sigmoid_contraction
from train.task import LossFn, Params


class Penalties(NamedTuple):
    """What is added to the loss: the weight of each term, 0 where it is off."""

    activity: float = 0.0
    """of the sum of a code's absolute values"""
    sparsity: float = 0.0
    """of the distance between the batch's mean activations and the target: a function of the whole batch"""
    distance: Literal["kl", "l1", "l2"] = "kl"
    """that distance"""
    target: float = 0.05
    """that target"""
    contraction: float = 0.0
    """of the squared norm of the code's Jacobian in the image"""
    closed_form: bool = False
    """whether the encoder is one sigmoid layer, whose Jacobian is written down"""

    @property
    def of_an_example(self) -> "Penalties":
        """Those that one example has by itself: what is measured must not depend on who shares the batch."""
        return self._replace(sparsity=0.0)


class ReconstructionDraw(IntEnum):
    """What an example's own key is folded with."""

    NETWORK = 0
    CORRUPTION = 1
    OBSERVATION = 2


def reconstruction_loss(apply: Callable, likelihood: Likelihood, corrupt: Observe, penalties: Penalties) -> LossFn:
    """The loss ``(params, batch, keys) → (−log p(x | D(E(x̃))) + penalties, metrics)``, one value per example, in nats.

    ``apply(keys, params, …)`` is that of an ``Autoencoder`` in training; x̃ is the corrupted image. Metrics are the two
    terms, and the squared error between x and what becomes of x̃.
    """

    def loss_fn(params, batch, keys):
        network_keys, corruption_keys = (
            drawing(keys, what) for what in (ReconstructionDraw.NETWORK, ReconstructionDraw.CORRUPTION)
        )
        seen = jax.vmap(corrupt)(corruption_keys, batch["image"])
        code = apply(network_keys, params, seen, method="encode")
        decoded = apply(network_keys, params, code, method="decode")
        reconstruction = -jax.vmap(likelihood.log_likelihood)(batch["image"], decoded)
        penalty = penalty_of(apply, penalties, params, seen, code, network_keys)
        error = jax.vmap(squared_error)(batch["image"], likelihood.mean(decoded))
        return reconstruction + penalty, {
            "reconstruction": reconstruction,
            "penalty": penalty,
            "squared_error": error,
        }

    return loss_fn


def penalty_of(
    apply: Callable,
    penalties: Penalties,
    params: Params,
    images: Float[Array, "batch height width channels"],
    code: Float[Array, "batch units"],
    keys: Key[Array, " batch"],
) -> Float[Array, " batch"]:
    """The weighted sum of the penalties that are on; that of mean activations is the same for all of the batch."""
    total = jnp.zeros(len(code), code.dtype)
    if penalties.activity:
        total += penalties.activity * jax.vmap(l1_activity)(code)
    if penalties.sparsity:
        distance = SPARSITIES[penalties.distance](code.mean(axis=0), target=penalties.target)
        total += penalties.sparsity * distance
    if penalties.contraction:
        total += penalties.contraction * contractions(apply, params, images, code, keys, penalties.closed_form)
    return total


def contractions(
    apply: Callable,
    params: Params,
    images: Float[Array, "batch height width channels"],
    code: Float[Array, "batch units"],
    keys: Key[Array, " batch"],
    closed_form: bool,
) -> Float[Array, " batch"]:
    """‖∂E/∂x‖²_F at each image; in closed form where the encoder is one sigmoid layer."""
    if closed_form:
        kernel = params["params"]["encoder"]["head"]["linear"]["kernel"]
        return jax.vmap(sigmoid_contraction, (0, None))(code, kernel)

    def at_one(key, image):
        return contraction(lambda one: apply(key[None], params, one[None], method="encode")[0], image)

    return jax.vmap(at_one)(keys, images)


def squared_error(image: Float[Array, "*shape"], other: Float[Array, "*shape"]) -> Float[Array, ""]:
    """‖x − x̂‖², summed over the values of an image."""
    return jnp.sum((image - other) ** 2)


def reconstruction_metrics(apply: Callable, likelihood: Likelihood, corrupt: Observe) -> Callable:
    """The metrics ``(params, batch, keys) → {name: one value per example}`` of reconstructions, clean and denoised.

    ``distance`` is ‖x − x̂‖. Where images are corrupted, ``noisy_psnr`` is of the corrupted image and ``denoised_psnr``
    of what becomes of it.
    """

    def metric_fn(params, batch, keys):
        images = batch["image"]
        code = apply(params, images, method="encode")
        restored = likelihood.mean(apply(params, code, method="decode"))
        error = jax.vmap(squared_error)(images, restored)
        measured = {
            "squared_error": error,
            "distance": jnp.sqrt(error),
            "psnr": jax.vmap(peak_signal_to_noise)(images, restored),
            "mean_activation": code.mean(axis=1),
            "nonzero": jnp.sum(code != 0, axis=1).astype(code.dtype),
        }
        if corrupt is identity:
            return measured
        noisy = jax.vmap(corrupt)(keys, images)
        denoised = likelihood.mean(apply(params, noisy)["decoded"])
        return measured | {
            "noisy_psnr": jax.vmap(peak_signal_to_noise)(images, noisy),
            "denoised_psnr": jax.vmap(peak_signal_to_noise)(images, denoised),
        }

    return metric_fn
