"""Boxes with sides along the axes: their two notations, and how much of two of them is common.

A box is (left, top, right, bottom), in any unit, pixel i covering [i, i + 1]; or its centre and size, (x, y, width,
height). A box whose sides are 0 or less is empty: its area is 0, and nothing is common with it.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def corners(centred: Float[Array, "4"]) -> Float[Array, "4"]:
    """(left, top, right, bottom) of a box given as (x, y, width, height): x ∓ width / 2, y ∓ height / 2.

    Redmon & Farhadi 2018, section 2.1. Lecture 003, "Object detection".
    """
    middle, half = centred[:2], centred[2:] / 2
    return jnp.concatenate([middle - half, middle + half])


def centred(corners: Float[Array, "4"]) -> Float[Array, "4"]:
    """(x, y, width, height) of a box given by its corners: the inverse of ``corners``.

    Redmon & Farhadi 2018, section 2.1. Lecture 003, "Object detection".
    """
    low, high = corners[:2], corners[2:]
    return jnp.concatenate([(low + high) / 2, high - low])


def area(box: Float[Array, "4"]) -> Float[Array, ""]:
    """max(0, right − left) · max(0, bottom − top). Lecture 003, "Object detection"."""
    return jnp.prod(jnp.maximum(box[2:] - box[:2], 0))


def intersection(box: Float[Array, "4"], other: Float[Array, "4"]) -> Float[Array, ""]:
    """The area that two boxes have in common; 0 where they only touch. Lecture 003, "Object detection"."""
    return area(jnp.concatenate([jnp.maximum(box[:2], other[:2]), jnp.minimum(box[2:], other[2:])]))


def intersection_over_union(box: Float[Array, "4"], other: Float[Array, "4"]) -> Float[Array, ""]:
    """|A ∩ B| / |A ∪ B|, from 0 to 1; 0 where both are empty, two equal ones included, so that it is never NaN.

    Everingham et al. 2010, equation 3. Lecture 003, "Object detection".
    """
    common = intersection(box, other)
    return _share(common, area(box) + area(other) - common)


def generalized_intersection_over_union(box: Float[Array, "4"], other: Float[Array, "4"]) -> Float[Array, ""]:
    """IoU less the part of the smallest box around both that neither fills, from −1 to 1.

        IoU − (|C| − |A ∪ B|) / |C|

    It tells how far apart boxes are that have nothing in common. Where C is empty the second term is 0: two empty
    boxes on a line along an axis give 0, two others −1. Rezatofighi et al. 2019, algorithm 1.
    """
    common = intersection(box, other)
    union = area(box) + area(other) - common
    hull = area(jnp.concatenate([jnp.minimum(box[:2], other[:2]), jnp.maximum(box[2:], other[2:])]))
    return _share(common, union) - _share(hull - union, hull)


def pairwise_overlap(boxes: Float[Array, "boxes 4"], others: Float[Array, "others 4"]) -> Float[Array, "boxes others"]:
    """``intersection_over_union`` of every box with every other. Lecture 003, "Object detection"."""
    return jax.vmap(jax.vmap(intersection_over_union, (None, 0)), (0, None))(boxes, others)


def _share(part: Float[Array, ""], whole: Float[Array, ""]) -> Float[Array, ""]:
    """The part of the whole, and 0 where the whole is 0; there its gradient is 0, too."""
    there = whole > 0
    return jnp.where(there, part / jnp.where(there, whole, 1), 0)
