"""Regions of a picture as a classifier sees them: cut out and resized, labelled by what they lie on, and sampled."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from models.layers.boxes import area, pairwise_overlap


def crop_resized(
    image: Float[Array, "height width channels"], box: Float[Array, "4"], *, size: int
) -> Float[Array, "size size channels"]:
    """What lies in a box, stretched to ``size`` × ``size`` pixels, whatever the box's own sides.

    Pixel i shows the place left + (i + ½) (right − left) / size, by a line between the nearest pixels; where the box is
    larger than the crop, by the mean of as many as a pixel covers, with weights that fall to both sides. Sides are
    taken as 1 at least. Girshick et al. 2014, appendix A, "warp".
    """
    extent = jnp.maximum(box[2:] - box[:2], 1)
    scale = (size / extent)[::-1]
    shape = (size, size, image.shape[-1])
    return jax.image.scale_and_translate(image, shape, (0, 1), scale, -box[:2][::-1] * scale, "linear", antialias=True)


def with_context(box: Float[Array, "4"], *, image: tuple[int, int], context: float) -> Float[Array, "4"]:
    """A box that has a margin of ``context`` times its sides all around, cut off at the (height, width) of the image.

    Girshick et al. 2014, appendix A: 16 pixels around 195, 0.08, are best.
    """
    margin = context * (box[2:] - box[:2])
    low = jnp.maximum(box[:2] - margin, 0)
    return jnp.concatenate([low, jnp.minimum(box[2:] + margin, jnp.asarray(image[::-1], box.dtype))])


def label_regions(
    regions: Float[Array, "regions 4"],
    boxes: Float[Array, "objects 4"],
    labels: Int[Array, " objects"],
    *,
    background: int,
    threshold: float = 0.5,
) -> Int[Array, " regions"]:
    """The class of the object that a region has most in common with, if its IoU is the ``threshold`` or more, else
    ``background``; −1 for an empty region.

    A label of −1 is no object; of equal IoUs the first counts. Girshick et al. 2014, section 2.3.
    """
    overlaps = jnp.where(labels >= 0, pairwise_overlap(regions, boxes), -1)
    on_object = overlaps.max(axis=1) >= threshold
    found = jnp.where(on_object, labels[overlaps.argmax(axis=1)], background)
    return jnp.where(jax.vmap(area)(regions) > 0, found, -1).astype(labels.dtype)


def sample_regions(
    key: Key[Array, ""], labels: Int[Array, " regions"], *, count: int, objects: int, background: int
) -> tuple[Int[Array, " count"], Bool[Array, " count"]]:
    """So many different regions: ``objects`` of them on objects, the others background; and which of them exist.

    Where there are too few of a kind, its last places do not exist. ``ValueError`` where objects or regions are fewer
    than what is to be drawn. Girshick et al. 2014, section 2.3: 32 and 96.
    """
    if not 0 < objects < count or max(objects, count - objects) > len(labels):
        raise ValueError(f"{count} regions, {objects} of them on objects, cannot be drawn of {len(labels)}")
    order = jax.random.uniform(key, labels.shape)
    on_object = (labels >= 0) & (labels != background)
    places, there = [], []
    for kind, number in ((on_object, objects), (labels == background, count - objects)):
        drawn, place = jax.lax.top_k(jnp.where(kind, order, -1), number)
        places.append(place)
        there.append(drawn >= 0)
    return jnp.concatenate(places), jnp.concatenate(there)
