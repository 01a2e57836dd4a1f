"""How well proposals cover objects, by how many of them are looked at."""

import jax
from jaxtyping import Array, Float

from models.layers.boxes import pairwise_overlap


def overlap_by_count(
    proposals: Float[Array, "proposals 4"], boxes: Float[Array, "objects 4"]
) -> Float[Array, "proposals objects"]:
    """The greatest IoU of each object with any of the first n proposals, at place n − 1.

    The share of objects for which it is ½ or more is the recall of n proposals, its mean over objects the average best
    overlap. An empty proposal covers nothing. Uijlings et al. 2013, section 5.1, equation 9.
    """
    return jax.lax.cummax(pairwise_overlap(proposals, boxes), axis=0)


def recall_by_count(
    overlaps: Float[Array, "images proposals objects"], there: Float[Array, "images objects"], *, threshold: float = 0.5
) -> Float[Array, " proposals"]:
    """The share of the objects of all images whose overlap with the first n proposals is the threshold or more.

        Σ there · [overlap ≥ t] / Σ there

    with 1 for every object that is ``there`` and 0 for what fills up. Uijlings et al. 2013, section 5.2.
    """
    covered = (overlaps >= threshold).astype(there.dtype) * there[:, None]
    return covered.sum(axis=(0, 2)) / there.sum()
