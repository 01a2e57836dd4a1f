"""How well draws of a model foretell an example."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def energy_score(draws: Float[Array, "draws d"], example: Float[Array, " d"]) -> Float[Array, ""]:
    """How far the draws are from an example, less half of how far they are from each other, in the example's unit.

        mean_i ‖y_i − x‖ − 1/(2n(n − 1)) Σ_{i ≠ j} ‖y_i − y_j‖

    In expectation it is least where the draws have the examples' distribution, and there alone: what is missing costs
    the first part, what has collapsed gains too little of the second. Gneiting & Raftery 2007, equation 22; the
    unbiased form. In one dimension it is the continuous ranked probability score. ``ValueError`` for a single draw.
    """
    count = len(draws)
    if count < 2:
        raise ValueError(f"the energy score needs at least 2 draws, got {count}")
    apart = _norm(draws[:, None] - draws).sum() / (count * (count - 1))
    return jnp.mean(_norm(draws - example)) - apart / 2


def _norm(vectors: Float[Array, "*leading d"]) -> Float[Array, "*leading"]:
    squares = jnp.sum(vectors**2, axis=-1)
    return jnp.where(squares == 0, 0.0, jnp.sqrt(jnp.where(squares == 0, 1.0, squares)))
