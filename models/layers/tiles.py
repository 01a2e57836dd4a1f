"""A large picture seen in tiles, with the memory of one."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def mirrored(places: Int[Array, " places"], *, size: int) -> Int[Array, " places"]:
    """Where to look for places beyond the ends of an axis: at their mirror image, the end itself not repeated.

        … 2 1 | 0 1 2 … n−1 | n−2 n−3 …

    0 of an axis with one place. Ronneberger et al. 2015, section 2.
    """
    period = max(1, 2 * (size - 1))
    folded = jnp.mod(places, period)
    return jnp.minimum(folded, period - folded) if size > 1 else jnp.zeros_like(places)


def overlap_tiles(
    predict: Callable[[Float[Array, "side side channels"]], Float[Array, "inner inner features"]],
    image: Float[Array, "height width channels"],
    *,
    side: int,
    inner: int,
    step: int,
) -> Float[Array, "height width features"]:
    """What ``predict`` says of a picture of any size, tile by tile.

    ``predict`` makes of a square of ``side`` pixels what it says of its middle, a square of ``inner`` pixels; of these
    the first ``step`` a side are kept, and the next tile begins ``step`` pixels on. What a tile sees beyond the picture
    is mirrored. Where ``predict`` is a part of a network that sees the whole picture in the same way, as a valid
    convolution is, the tiles are equal to the whole: with pooling by p in all, if ``step`` is a multiple of p, so that
    all tiles lie on one grid. One tile is in memory at a time, beside the picture and the result.

    ``ValueError`` where ``side`` − ``inner`` is odd or negative, or ``step`` is not in 1 … ``inner``. Ronneberger et
    al. 2015, section 2 and figure 2.
    """
    margin, odd = divmod(side - inner, 2)
    if odd or margin < 0 or not 1 <= step <= inner:
        raise ValueError(f"tiles of {side=} and {inner=} with {step=}: side − inner is even, and 1 ≤ step ≤ inner")
    height, width, _ = image.shape
    rows, columns = -(-height // step), -(-width // step)
    offsets = jnp.arange(side) - margin

    def tile(number: Int[Array, ""]) -> Array:
        row, column = number // columns, number % columns
        along = mirrored(row * step + offsets, size=height)
        across = mirrored(column * step + offsets, size=width)
        return predict(image[along[:, None], across[None, :]])[:step, :step]

    tiles = jax.lax.map(tile, jnp.arange(rows * columns))
    grid = tiles.reshape(rows, columns, step, step, -1).swapaxes(1, 2).reshape(rows * step, columns * step, -1)
    return grid[:height, :width]
