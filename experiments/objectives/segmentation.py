"""Classes of pixels over a batch: the loss, the share of wrong pixels, and the overlap over a whole set."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from losses.metrics.segmentation import class_overlaps, mean_iou
from losses.segmentation import counted_pixels, pixel_cross_entropy
from train.measures import Metrics, Ratio
from train.task import LossFn, Params

Scores = Callable[[Params, Float[Array, "batch height width channels"]], Float[Array, "batch height width classes"]]
AT_A_TIME = 20
"""Images of a whole set that are seen at once."""


def centred(images: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Intensities 0 … 1 as −2 … 2, with which training begins faster."""
    return 4 * (images - 0.5)


def segmentation_loss(scores: Scores) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error})``: cross-entropy in nats, and the share of wrong pixels.

    Of a batch's "image" and "labels", where it has them weighed by "weights". Pixels to ignore do not count.
    """

    def loss_fn(params, batch, keys):
        said, labels = scores(params, batch["image"]), batch["labels"]
        weights = batch.get("weights", jnp.ones(labels.shape, said.dtype))
        losses = jax.vmap(pixel_cross_entropy)(said, labels, weights)
        return losses, {"error": wrong_pixels(said, labels)}

    return loss_fn


def wrong_pixels(said: Float[Array, "batch height width classes"], labels: Array) -> Ratio:
    """How many pixels have another class than the one of the greatest score, in %, of those that count."""
    counts = counted_pixels(labels)
    wrong = counts & (said.argmax(axis=-1) != labels)
    total, count = (jnp.sum(each, axis=(1, 2)).astype(said.dtype) for each in (wrong, counts))
    return Ratio(100 * total, count)


def overlaps(
    said: Float[Array, "batch height width classes"], labels: Array
) -> tuple[Float[Array, "batch classes"], Float[Array, "batch classes"]]:
    """Of each image and class the pixels of intersection and union."""
    return jax.vmap(partial(class_overlaps, classes=said.shape[-1]))(said.argmax(axis=-1).astype(labels.dtype), labels)


def iou_metrics(said: Float[Array, "batch height width classes"], labels: Array, names: tuple[str, ...]) -> Metrics:
    """Intersection over union of each class in %, of the sums over all images."""
    intersections, unions = overlaps(said, labels)
    return {f"{name}_iou": Ratio(100 * intersections[:, i], unions[:, i]) for i, name in enumerate(names)}


def whole_mean_iou(scores: Scores, params: Params, images: Array, labels: Array) -> Float[Array, ""]:
    """The mean over classes, in %, of intersection over union of a whole set."""

    def of_one(example: tuple[Array, Array]) -> tuple[Array, Array]:
        image, label = example
        return jax.tree.map(lambda leaf: leaf[0], overlaps(scores(params, image[None]), label[None]))

    found = jax.lax.map(of_one, (images, labels), batch_size=AT_A_TIME)
    return 100 * mean_iou(*(each.sum(axis=0) for each in found))
