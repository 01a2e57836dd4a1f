"""Several scales of one picture: which of them a box belongs to, and how coarse maps are added to finer ones."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.layers.boxes import centred
from models.layers.pool import average_pool
from models.layers.resize import upsample_nearest
from models.layers.yolo import Assignment, Slots, assign_anchors


def pyramid_level(
    size: Float[Array, "2"], *, finest: int, coarsest: int, canonical: float = 224.0, canonical_level: int = 4
) -> Int[Array, ""]:
    """The level of a pyramid that a box of (width, height) belongs to, in a pyramid from ``finest`` to ``coarsest``.

        k = ⌊k₀ + log₂(√(w h) / c)⌋

    A box of the ``canonical`` side c, in the unit of its own, belongs to the level k₀, one of half that side to the
    finer one before it. It is found by comparing areas with (c 2^(k − k₀))², and so is exact at the borders.
    ``ValueError`` where there is no level. Lin et al. 2017, equation 1. Lecture 003, "Feature Pyramid Network".
    """
    if finest > coarsest:
        raise ValueError(f"no level lies between the finest, {finest}, and the coarsest, {coarsest}")
    coarser = range(finest + 1, coarsest + 1)
    borders = [level_areas(k, canonical=canonical, canonical_level=canonical_level)[0] for k in coarser]
    beyond = jnp.prod(size) >= jnp.asarray(borders, size.dtype)
    return finest + jnp.sum(beyond, dtype=jnp.int32)


def level_areas(level: int, *, canonical: float = 224.0, canonical_level: int = 4) -> tuple[float, float]:
    """The least area of boxes of a level of ``pyramid_level``, and that from which on they belong to the next.

        (c 2^(k − k₀))²,  (c 2^(k + 1 − k₀))²

    Lin et al. 2017, equation 1.
    """
    least = (canonical * 2.0 ** (level - canonical_level)) ** 2
    return least, 4 * least


def assign_by_level(
    boxes: Float[Array, "objects 4"],
    labels: Int[Array, " objects"],
    predicted: Float[Array, "slots 4"],
    slots: Slots,
    *,
    finest: int,
    coarsest: int,
    canonical: float = 224.0,
    canonical_level: int = 4,
    ignore_threshold: float = 0.5,
) -> Assignment:
    """Which slot is responsible for which object, as ``models.layers.yolo.assign`` has it but for the anchor: there is
    one of each level, numbered from the coarsest on, and ``pyramid_level`` says which is an object's.

    Lin et al. 2017, equation 1. Lecture 003, "Feature Pyramid Network".
    """

    def number(box: Float[Array, "4"]) -> Int[Array, ""]:
        size = centred(box)[2:]
        return coarsest - pyramid_level(
            size, finest=finest, coarsest=coarsest, canonical=canonical, canonical_level=canonical_level
        )

    return assign_anchors(boxes, labels, jax.vmap(number)(boxes), predicted, slots, ignore_threshold=ignore_threshold)


def top_down(laterals: Sequence[Float[Array, "batch _ _ channels"]]) -> tuple[Float[Array, "batch _ _ channels"], ...]:
    """Maps to which all coarser ones are added, the finest first, as they come.

        P_K = L_K,   P_k = L_k + upsample(P_{k+1})

    Every map has twice the sides of the next; ``ValueError`` where one has not. Upsampling repeats the nearest value.
    Lin et al. 2017, section 3 and figure 3. Lecture 003, "Feature Pyramid Network".
    """
    *finer, merged = laterals
    maps = [merged]
    for lateral in reversed(finer):
        enlarged = upsample_nearest(merged)
        if enlarged.shape != lateral.shape:
            raise ValueError(f"a map of shape {merged.shape} doubled does not fit one of shape {lateral.shape}")
        merged = lateral + enlarged
        maps.append(merged)
    return tuple(reversed(maps))


def image_at_scale(
    images: Float[Array, "batch height width channels"], *, octave: int
) -> Float[Array, "batch _ _ channels"]:
    """Images whose sides are 2^octave times as long: each pixel a block, or each block its mean.

    ``ValueError`` where blocks of 2^−octave pixels do not tile the images. Lin et al. 2017, figure 1 (a). Lecture 003,
    "Featurized image pyramid".
    """
    if octave >= 0:
        return upsample_nearest(images, factor=2**octave)
    block = 2**-octave
    if any(side % block for side in images.shape[1:3]):
        raise ValueError(f"blocks of {block} × {block} do not tile images of shape {images.shape}")
    return average_pool(images, window=block, count_padding=False)
