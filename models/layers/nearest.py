"""Which of many distances are the least."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def nearest(distances: Float[Array, "*queries stored"], *, k: int) -> Int[Array, "*queries k"]:
    """The places of the k least distances, the least first; of equal ones the first come first.

    A distance that is NaN counts as the farthest, whatever its sign, as if it were ∞. ``ValueError`` where fewer than k
    examples are stored. Cover & Hart 1967.
    """
    if not 0 < k <= distances.shape[-1]:
        raise ValueError(f"cannot take the {k} nearest of {distances.shape[-1]} examples")
    _, places = jax.lax.top_k(-jnp.where(jnp.isnan(distances), jnp.inf, distances), k)
    return places
