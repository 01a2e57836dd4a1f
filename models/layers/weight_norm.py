"""Weight normalisation: the length of a unit's weights apart from their direction."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def unit_norms(kernel: Float[Array, "*window units"]) -> Float[Array, " units"]:
    """The length ‖v‖ of each unit's weights: of all that ends in one entry of the last axis. Salimans & Kingma 2016."""
    return jnp.sqrt(jnp.sum(kernel**2, axis=tuple(range(kernel.ndim - 1))))


def weight_normalized(
    direction: Float[Array, "*window units"], gain: Float[Array, " units"]
) -> Float[Array, "*window units"]:
    """W = g v / ‖v‖ for each unit, an entry of the last axis; a direction of zeros has none, and gives NaN.

    Where g begins as ``unit_norms`` of v, w begins as v. Salimans & Kingma 2016, equation 2.
    """
    return direction * (gain / unit_norms(direction))
