"""An interval cut into cells of equal width: uniform scalar quantisation, and histograms.

Gersho & Gray 1992.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def cell_membership(
    values: Float[Array, " dims"], low: Float[Array, " dims"], high: Float[Array, " dims"], *, levels: int
) -> Float[Array, "dims levels"]:
    """1 for the cell that holds a value, 0 for the others; each dimension has its own interval.

        c = min(⌊L (x − low)/(high − low)⌋, L − 1)

    What lies outside belongs to the first or the last cell; all is in the first where low = high. Gersho & Gray 1992.
    """
    width = jnp.where(high > low, high - low, 1.0)
    cell = jnp.clip(levels * (values - low) // width, 0, levels - 1)
    return jax.nn.one_hot(cell.astype(jnp.int32), levels, dtype=values.dtype)


def cell_centre(
    membership: Float[Array, "dims levels"], low: Float[Array, " dims"], high: Float[Array, " dims"]
) -> Float[Array, " dims"]:
    """The middle of the cell of each dimension: the quantised value.

        low + (c + ½) (high − low)/L

    It is within half a cell's width of any value of the interval. Gersho & Gray 1992.
    """
    levels = membership.shape[1]
    middles = (jnp.arange(levels, dtype=membership.dtype) + 0.5) / levels
    return low + membership @ middles * (high - low)
