"""Non-maximum suppression: of boxes that lie over each other the one with the best score stays."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.layers.boxes import intersection_over_union


def suppress_overlaps(
    boxes: Float[Array, "boxes 4"], scores: Float[Array, " boxes"], *, keep: int, threshold: float = 0.5
) -> Int[Array, " keep"]:
    """The places of the boxes that stay, best score first, and −1 where fewer than ``keep`` do.

    The box of the best score stays and every other whose IoU with it is greater than the threshold goes, until ``keep``
    stay or none is left. Of equal scores the first box counts as the better. A score of NaN is one of −∞, and a box of
    score −∞ never stays: so what does not exist is left out, and the shapes are those of every input. There may be no
    boxes. Lecture 003, "Non-maximum suppression"; Girshick et al. 2014, section 2.2.
    """
    if keep < 1 or not 0 <= threshold <= 1:
        raise ValueError(f"expected a positive number to keep and a threshold in [0, 1], got {keep} and {threshold}")
    if not len(boxes):
        return jnp.full(keep, -1, jnp.int32)

    def round_of(remaining: Float[Array, " boxes"], _: None) -> tuple[Float[Array, " boxes"], Int[Array, ""]]:
        best = jnp.argmax(remaining)
        overlap = jax.vmap(intersection_over_union, (0, None))(boxes, boxes[best])
        gone = (overlap > threshold) | (jnp.arange(len(boxes)) == best)
        place = jnp.where(remaining[best] > -jnp.inf, best, -1)
        return jnp.where(gone, -jnp.inf, remaining), place.astype(jnp.int32)

    return jax.lax.scan(round_of, jnp.where(jnp.isnan(scores), -jnp.inf, scores), None, length=keep)[1]
