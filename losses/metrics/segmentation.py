"""How much the parts of an image that a class is seen in and those that it is in have in common."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from losses.segmentation import IGNORED, counted_pixels


def class_overlaps(
    predicted: Integer[Array, "height width"],
    labels: Integer[Array, "height width"],
    *,
    classes: int,
    ignored: tuple[int, ...] = IGNORED,
) -> tuple[Float[Array, " {classes}"], Float[Array, " {classes}"]]:
    """Pixels of each class's intersection and union, of those pixels whose label counts.

        ∩_k = #{x : p(x) = k, t(x) = k},   ∪_k = #{x : p(x) = k or t(x) = k}

    Sums over images give Σ∩ / Σ∪, the intersection over union of a data set. Everingham et al. 2010, section 4.2.
    """
    counts = counted_pixels(labels, ignored=ignored)
    numbers = jnp.arange(classes, dtype=labels.dtype)
    said = (predicted[..., None].astype(labels.dtype) == numbers) & counts[..., None]
    true = (labels[..., None] == numbers) & counts[..., None]
    return tuple(jnp.sum(each, axis=(0, 1)).astype(float) for each in (said & true, said | true))


def mean_iou(intersections: Float[Array, " classes"], unions: Float[Array, " classes"]) -> Float[Array, ""]:
    """The mean over classes of intersection over union, in [0, 1].

        1/|K| Σ_{k ∈ K} ∩_k / ∪_k,   K = {k : ∪_k > 0}

    A class that is neither seen nor there does not count; NaN where none is. Long et al. 2015, section 5.
    """
    there = (unions > 0).astype(unions.dtype)
    return jnp.sum(intersections / jnp.where(unions > 0, unions, 1.0)) / jnp.sum(there)
