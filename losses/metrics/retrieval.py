"""How much of what a search is for is found among the nearest."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.nearest import nearest


def precision_at_k(
    distances: Float[Array, " stored"], relevant: Float[Array, " stored"], *, k: int
) -> Float[Array, ""]:
    """The share of relevant examples among the k nearest; by chance the share among all.

        1/k Σ_{i among the k nearest} r_i,   r_i = 1 for what is relevant, else 0

    A distance that is NaN counts as the farthest. ``ValueError`` where fewer than k examples are stored. Manning et al.
    2008, section 8.4. Lecture 002, "Image search".
    """
    return jnp.mean(relevant[nearest(distances, k=k)])


def recall_at_k(distances: Float[Array, " stored"], relevant: Float[Array, " stored"], *, k: int) -> Float[Array, ""]:
    """The share of what is relevant that is among the k nearest; by chance k over the number stored.

        Σ_{i among the k nearest} r_i / Σ_i r_i,   r_i = 1 for what is relevant, else 0

    NaN where nothing is relevant; a distance that is NaN counts as the farthest. ``ValueError`` where fewer than k
    examples are stored. Manning et al. 2008, section 8.4. Lecture 002, "Image search".
    """
    return jnp.sum(relevant[nearest(distances, k=k)]) / jnp.sum(relevant)
