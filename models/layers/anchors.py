"""Anchors: a few sizes of boxes that stand for all sizes in a training set."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


def size_overlap(size: Float[Array, "2"], other: Float[Array, "2"]) -> Float[Array, ""]:
    """IoU of two boxes with a common centre, given as (width, height), each positive.

        min(w, w') min(h, h') / (w h + w' h' − min(w, w') min(h, h'))

    Redmon & Farhadi 2017, section 2. Lecture 003, "YOLOv3".
    """
    common = jnp.prod(jnp.minimum(size, other))
    return common / (jnp.prod(size) + jnp.prod(other) - common)


def best_overlap(sizes: Float[Array, "boxes 2"], anchors: Float[Array, "anchors 2"]) -> Float[Array, " boxes"]:
    """Of each box the IoU with the anchor that is most like it. Redmon & Farhadi 2017, table 1."""
    return _overlaps(sizes, anchors).max(axis=1)


def first_anchors(key: Key[Array, ""], sizes: Float[Array, "boxes 2"], *, count: int) -> Float[Array, "anchors 2"]:
    """The sizes of so many of the boxes, drawn without replacement; ``ValueError`` where there are fewer boxes.

    Redmon & Farhadi 2017, section 2.
    """
    if not 0 < count <= len(sizes):
        raise ValueError(f"expected 1 to {len(sizes)} anchors of boxes of shape {sizes.shape}, got {count}")
    return jax.random.choice(key, sizes, (count,), replace=False)


def move_anchors(sizes: Float[Array, "boxes 2"], anchors: Float[Array, "anchors 2"]) -> Float[Array, "anchors 2"]:
    """A round of k-means in which boxes are 1 − IoU apart: each anchor moves to the mean of the boxes nearest to it.

    Of equal IoUs the first anchor's counts; an anchor to which no box is nearest stays. The mean does not maximise the
    mean IoU as it minimises squares, so a round may lower it a little. Redmon & Farhadi 2017, section 2. Lecture 003,
    "YOLOv3".
    """
    nearest = _overlaps(sizes, anchors).argmax(axis=1)
    belongs = jax.nn.one_hot(nearest, len(anchors), dtype=sizes.dtype)
    counts = belongs.sum(axis=0)[:, None]
    return jnp.where(counts > 0, belongs.T @ sizes / jnp.maximum(counts, 1), anchors)


def fit_anchors(
    key: Key[Array, ""], sizes: Float[Array, "boxes 2"], *, count: int, rounds: int = 30
) -> Float[Array, "anchors 2"]:
    """Anchors after so many rounds from sizes that are drawn, the smallest area first.

    Redmon & Farhadi 2017, section 2. Lecture 003, "YOLOv3".
    """
    anchors = jax.lax.fori_loop(
        0, rounds, lambda _, moving: move_anchors(sizes, moving), first_anchors(key, sizes, count=count)
    )
    return anchors[jnp.argsort(jnp.prod(anchors, axis=1))]


def _overlaps(sizes: Float[Array, "boxes 2"], anchors: Float[Array, "anchors 2"]) -> Float[Array, "boxes anchors"]:
    return jax.vmap(jax.vmap(size_overlap, (None, 0)), (0, None))(sizes, anchors)
