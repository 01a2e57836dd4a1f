"""What vector-quantised autoencoders share: the training loss, the moving codebook, and the code's length in bits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key, PyTree

from experiments.datasets import Dataset
from experiments.objectives.observation import Observe, drawing, observed
from losses.likelihoods import Likelihood
from losses.quantization import codebook_loss, commitment_loss
from models.hierarchical_vqvae import CODEBOOKS
from models.layers.quantize import moving_average_codebook
from train.feed import size_of
from train.optimizers import Fraction
from train.task import Draw, LossFn, Params, Stream, Task, stream_key, supervised


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
            return losses, metrics, {"codebook": code_statistics(result["vectors"], result["indices"], codes=codes)}
        return losses + jax.vmap(codebook_loss)(*pair), metrics

    return loss_fn


def hierarchical_quantization_loss(
    apply: Callable, likelihood: Likelihood, observe: Observe, *, commitment: float, moving_codebook: bool
) -> LossFn:
    """The loss of a ``HierarchicalVQVAE`` and of its prior, one value per example, in nats where it is no distance.

        −log p(x | z_q(x)) + Σ_levels (c · ‖sg[z_e] − e‖² + β ‖z_e − sg[e]‖²) − log p(indices | label)

    c is 1, or 0 with a ``moving_codebook``, as in ``quantization_loss``. No gradient of the prior's term reaches the
    codes, so both are learnt side by side. ``apply(keys, params, images, labels)`` is the network's in training. Razavi
    et al. 2019, sections 3.1 and 3.2, where the prior is learnt afterwards.
    """

    def loss_fn(params, batch, keys):
        images = jax.vmap(observe)(keys, batch["image"])
        result = apply(drawing(keys, Draw.DROPOUT), params, images, batch["label"])
        reconstruction = -jax.vmap(likelihood.log_likelihood)(images, result["decoded"])
        prior = jax.vmap(index_nats)(result["prior_logits"], result["indices"])
        levels = {name: result[name] for name in CODEBOOKS}
        distance = sum(jax.vmap(commitment_loss)(each.vectors, each.codes) for each in levels.values())
        losses = reconstruction + prior + commitment * distance
        metrics = {"reconstruction": reconstruction, "prior": prior, "distance": distance}
        if moving_codebook:
            codes = {name: len(params["params"][name]) for name in levels}
            statistics = {
                name: code_statistics(each.vectors, each.indices, codes=codes[name]) for name, each in levels.items()
            }
            return losses, metrics, statistics
        return losses + sum(jax.vmap(codebook_loss)(each.vectors, each.codes) for each in levels.values()), metrics

    return loss_fn


def index_nats(logits: Float[Array, "positions codes"], indices: Int[Array, " positions"]) -> Float[Array, ""]:
    """−log p(indices) in nats, where ``logits`` of a position are given all before it."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), indices[:, None], axis=1).sum()


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
    codebooks: Sequence[str] = ("codebook",),
) -> Task:
    """The network descends on ``loss_fn``; then each codebook follows the vectors that had chosen its codes.

    What it follows are the statistics that ``loss_fn`` returns third by the codebook's name, means over the examples
    like any gradient, so that parts of a batch average to the whole of it. How often each code is used stands beside
    the network's parameters, in the collection ``"usage"``. van den Oord et al. 2017, appendix A.1.
    """

    def init_with_usage(key: Key[Array, ""]) -> Params:
        params = init_params(key)
        return params | {"usage": {name: jnp.zeros(len(params["params"][name])) for name in codebooks}}

    def follow(params: Params, chosen: dict[str, dict[str, Array]]) -> Params:
        network, usage = params["params"], params["usage"]
        moved = {
            name: moving_average_codebook(
                network[name], usage[name], chosen[name]["counts"], chosen[name]["sums"], decay=decay
            )
            for name in codebooks
        }
        return params | {
            "params": network | {name: codebook for name, (codebook, _) in moved.items()},
            "usage": {name: used for name, (_, used) in moved.items()},
        }

    def all_but_codebooks(params: Params) -> PyTree[bool]:
        return {"params": {name: name not in codebooks for name in params["params"]}, "usage": False}

    return supervised(loss_fn, init_with_usage, optimizer, follow=follow, trainable=all_but_codebooks)


def encode_images(
    model: nn.Module, params: Params, images: Float[Array, "images height width channels"]
) -> Int[Array, "images positions"]:
    """The ``indices`` that a network gives of a whole set of images, in blocks of bounded memory."""
    return jax.lax.map(lambda image: model.apply(params, image[None], method="indices")[0], images, batch_size=250)


FITTED_ON = 10_000
"""Training images, at most, whose codes a prior of independent positions is fitted to."""


def observed_images(observe: Observe, dataset: Dataset) -> dict[str, Float[Array, "images height width channels"]]:
    """Training images to fit a prior to and all test images, as bits where these are drawn: the same at every call."""
    counts = {"train": FITTED_ON, "test": size_of(dataset.splits["test"])}
    split_keys = jax.random.split(stream_key(0, Stream.DATA), len(counts))
    images = {split: dataset.head(split, count)["image"] for split, count in counts.items()}
    return {
        split: observed(observe, jax.random.split(key, len(each)), each)
        for (split, each), key in zip(images.items(), split_keys, strict=True)
    }


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
