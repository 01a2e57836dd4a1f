"""What vector-quantised autoencoders share: the training loss, the moving codebook, and the code's length in bits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge
from jaxtyping import Array, Float, Int, Key, PyTree

from experiments.objectives.observation import Observe, drawing
from losses.likelihoods import Likelihood
from losses.quantization import codebook_loss, commitment_loss
from models.layers.quantize import moving_average_codebook
from models.vqvae import VQVAE
from train.optimizers import Fraction
from train.task import Draw, LossFn, Params, Task, supervised


@dataclass(frozen=True, kw_only=True)
class QuantizationObjective:
    """How the codebook learns, and how vectors are kept near their codes."""

    codebook: Literal["gradient", "ema"] = "gradient"
    """how it learns: by gradient, or as the moving average of the vectors that choose each code"""
    decay: Fraction = 0.99
    """of the moving averages, with --codebook ema"""
    commitment: Annotated[float, Ge(0)] = 0.25
    """weight of the commitment loss"""

    def idle(self) -> dict[str, str]:
        """Only moving averages decay."""
        return {} if self.codebook == "ema" else {"decay": "with --codebook gradient"}


def quantization_loss(
    apply: Callable, likelihood: Likelihood, observe: Observe, *, commitment: float, moving_codebook: bool
) -> LossFn:
    """The loss ``(params, batch, keys) → (loss, its parts)``, one value per example: the reconstruction in nats.

        −log p(x | z_q(x)) + c · ‖sg[z_e(x)] − e‖² + β ‖z_e(x) − sg[e]‖²,   β = commitment

    The distances are means over positions. c is 1, or 0 with a ``moving_codebook``: then the statistics of the codes
    that these same vectors chose are returned third. ``apply(keys, params, …)`` is that of a ``VQVAE`` in training. van
    den Oord et al. 2017, equation 3.
    """

    def loss_fn(params, batch, keys):
        network = partial(apply, drawing(keys, Draw.DROPOUT), params)
        images = jax.vmap(observe)(keys, batch["image"])
        result = network(images)
        reconstruction = -jax.vmap(likelihood.log_likelihood)(images, result["decoded"])
        pair = result["vectors"], result["codes"]
        distance = jax.vmap(commitment_loss)(*pair)
        losses, metrics = (
            reconstruction + commitment * distance,
            {"reconstruction": reconstruction, "distance": distance},
        )
        if moving_codebook:
            codes = len(params["params"]["codebook"])
            return losses, metrics, code_statistics(result["vectors"], result["indices"], codes=codes)
        return losses + jax.vmap(codebook_loss)(*pair), metrics

    return loss_fn


def code_statistics(
    vectors: Float[Array, "batch positions dimensions"], indices: Int[Array, "batch positions"], *, codes: int
) -> dict[str, Array]:
    """How often each code was chosen, and the sum of the vectors that chose it, per example: means over the batch."""
    flat, examples = jax.lax.stop_gradient(vectors).reshape(-1, vectors.shape[-1]), len(indices)
    return {
        "counts": jnp.bincount(indices.ravel(), length=codes).astype(vectors.dtype) / examples,
        "sums": jax.ops.segment_sum(flat, indices.ravel(), codes) / examples,
    }


def moving_codebook_task(
    loss_fn: LossFn,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
    *,
    decay: float,
) -> Task:
    """Encoder and decoder descend on ``loss_fn``; then the codebook follows the vectors that had chosen its codes.

    What it follows are the statistics that ``loss_fn`` returns third, means over the examples like any gradient, so
    that parts of a batch average to the whole of it. How often each code is used stands beside the network's
    parameters, in the collection ``"usage"``. van den Oord et al. 2017, appendix A.1.
    """

    def init_with_usage(key: Key[Array, ""]) -> Params:
        params = init_params(key)
        return params | {"usage": {"codebook": jnp.zeros(len(params["params"]["codebook"]))}}

    def follow(params: Params, chosen: dict[str, Array]) -> Params:
        codebook, usage = moving_average_codebook(
            params["params"]["codebook"], params["usage"]["codebook"], chosen["counts"], chosen["sums"], decay=decay
        )
        return params | {"params": params["params"] | {"codebook": codebook}, "usage": {"codebook": usage}}

    return supervised(loss_fn, init_with_usage, optimizer, follow=follow, trainable=all_but_codebook)


def all_but_codebook(params: Params) -> PyTree[bool]:
    """What descends where the codebook moves otherwise: encoder and decoder."""
    return {"params": {name: name != "codebook" for name in params["params"]}, "usage": False}


def encode_images(
    model: VQVAE, params: Params, images: Float[Array, "images height width channels"]
) -> Int[Array, "images positions"]:
    """The indices of the codes of a whole set of images, in blocks of bounded memory."""
    return jax.lax.map(
        lambda image: model.apply(params, image[None], method="encode").indices[0], images, batch_size=250
    )


def code_frequencies(indices: Int[Array, "images positions"], *, codes: int) -> Float[Array, " codes"]:
    """The share of all positions at which each code is chosen."""
    return jnp.bincount(indices.ravel(), length=codes) / indices.size


def positional_frequencies(indices: Int[Array, "images positions"], *, codes: int) -> Float[Array, "positions codes"]:
    """The share of images that choose each code, position by position, one more choice of every code being added.

        f_p(j) = (n_p(j) + 1) / (N + K)

    So no code is impossible. Laplace 1814, the rule of succession.
    """
    counts = jax.vmap(lambda column: jnp.bincount(column, length=codes), in_axes=1)(indices)
    return (counts + 1) / (len(indices) + codes)


def code_bits(indices: Int[Array, " positions"], frequencies: Float[Array, "positions codes"]) -> Float[Array, ""]:
    """−log₂ p(codes) under independent positions with these frequencies: the length of one image's code in bits."""
    return -jnp.sum(jnp.log(frequencies[jnp.arange(len(indices)), indices])) / log(2)
