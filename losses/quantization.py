"""What is minimised where vectors are quantised.

The losses are means over the positions of one example's code, of squared distances in the code's own unit.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def codebook_loss(
    vectors: Float[Array, "positions dimensions"], codes: Float[Array, "positions dimensions"]
) -> Float[Array, ""]:
    """How far the chosen codes are from the encoder's vectors; its gradient moves the codes alone.

        1/P Σ_p ‖sg[z_p] − e_p‖²

    van den Oord et al. 2017, equation 3, second term.
    """
    return _mean_squared_distance(jax.lax.stop_gradient(vectors), codes)


def commitment_loss(
    vectors: Float[Array, "positions dimensions"], codes: Float[Array, "positions dimensions"]
) -> Float[Array, ""]:
    """The same distance; its gradient moves the encoder's vectors alone, so that they commit to their codes.

        1/P Σ_p ‖z_p − sg[e_p]‖²

    van den Oord et al. 2017, equation 3, third term, there times β = 0.25.
    """
    return _mean_squared_distance(vectors, jax.lax.stop_gradient(codes))


def _mean_squared_distance(one: Float[Array, "positions _"], other: Float[Array, "positions _"]) -> Float[Array, ""]:
    return jnp.mean(jnp.sum((one - other) ** 2, axis=-1))
