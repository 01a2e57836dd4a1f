"""The products that the adjoint of a convolution is made of: its gradient by the images, and transposed convolutions.

As in ``conv_products``, those for CPUs are chosen by shape when a program is lowered; accelerators keep XLA's own.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

from models.layers.conv_products import Geometry, blocks_of, in_blocks, product, spread, xla_convolution


def adjoint_kernel(
    kernel: Float[Array, "*window channels_per_group features"], *, groups: int = 1
) -> Float[Array, "*window features_per_group channels"]:
    """The kernel of the adjoint of a convolution: turned by half a turn, channels and features exchanged in each group.

        w'[k, o, c] = w[K − 1 − k, c, o]

    Dumoulin & Visin 2016, section 4.
    """
    *window, channels, features = kernel.shape
    rank = len(window)
    split = kernel.reshape(*window, channels, groups, features // groups)
    exchanged = split.transpose(*range(rank), rank + 2, rank + 1, rank)
    return lax.rev(exchanged.reshape(*window, features // groups, groups * channels), tuple(range(rank)))


def adjoint_product(geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array) -> Array:
    """Aᵀy, images of size ``space``, where A is the convolution of ``geometry``."""
    own = partial(_by_tiles if _tiles_pay(geometry, maps) else _by_zeros_between, geometry, space)
    return lax.platform_dependent(maps, kernel, cpu=own, default=partial(xla_adjoint, geometry, space))


def xla_adjoint(geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array) -> Array:
    """``adjoint_product`` as XLA computes it."""
    images = jax.ShapeDtypeStruct((maps.shape[0], *space, kernel.shape[-2] * geometry.groups), maps.dtype)
    return jax.linear_transpose(lambda images: xla_convolution(geometry, images, kernel), images)(maps)[0]


def _by_zeros_between(geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array) -> Array:
    """The maps, zeros between their entries, convolved with the adjoint kernel."""
    stride, padding, dilation, groups = geometry
    edges = []
    for axis, size in enumerate(space):
        reach = dilation[axis] * (kernel.shape[axis] - 1)
        low = reach - padding[axis][0]
        edges.append((low, size + reach - (maps.shape[1 + axis] - 1) * stride[axis] - 1 - low))
    ones = (1,) * len(space)
    between = Geometry(ones, tuple(edges), dilation, groups)
    if stride != ones:
        maps, between = spread(maps, stride, edges), between._replace(padding=((0, 0),) * len(space))
    return product(between, maps, adjoint_kernel(kernel, groups=groups))


def _tiles_pay(geometry: Geometry, maps: Array) -> bool:
    """Where there would be zeros between the maps, in types that lose nothing by being added one by one."""
    plain = geometry.groups == 1 and {*geometry.dilation} == {1}
    return plain and {*geometry.stride} != {1} and maps.dtype in (jnp.float32, jnp.float64)


def _by_tiles(geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array) -> Array:
    """In blocks of images that fit a cache, two at least where windows overlap: XLA would add them once for each of the
    computations that read the sum, unless a loop stores it.
    """
    overlap = any(size > step for size, step in zip(kernel.shape, geometry.stride, strict=False))
    blocks = blocks_of(maps, maps[0, ..., 0].size * kernel[..., 0].size, fewest=2 if overlap else 1)
    return in_blocks(partial(_tiles_added, geometry, space), blocks, maps, kernel)


def _tiles_added(geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array) -> Array:
    """One product paints all windows. They are cut into tiles of the stride's size, which lie on a grid: those of
    neighbouring windows that meet in a cell of it are added.
    """
    batch, *positions, features = maps.shape
    *window, channels, _ = kernel.shape
    rank, stride = len(window), geometry.stride
    cells = [-(-size // step) for size, step in zip(window, stride, strict=True)]
    grid = [size + cell - 1 for size, cell in zip(positions, cells, strict=True)]
    numbers = list(np.ndindex(*cells))
    tiles = [
        kernel[tuple(slice(i * s, (i + 1) * s) for i, s in zip(number, stride, strict=True))] for number in numbers
    ]
    rows = jnp.concatenate([tile.reshape(-1, features) for tile in tiles])
    painted = jnp.split(
        maps.reshape(-1, features) @ rows.T, np.cumsum([tile[..., 0].size for tile in tiles])[:-1], axis=1
    )

    def on_the_grid(number: tuple[int, ...], tile: Array, painted: Array) -> Array:
        cut = painted.reshape(batch, *positions, *tile.shape[:-1])
        shifted = [(i, cell - 1 - i) for i, cell in zip(number, cells, strict=True)]
        filled = [(0, step - size) for size, step in zip(tile.shape, stride, strict=False)]
        return spread(cut, (1,) * 2 * rank, (*shifted, *filled))

    summed = sum(map(on_the_grid, numbers, tiles, painted))
    side_by_side = [axis + offset for axis in range(1, rank + 1) for offset in (0, rank)]
    sizes = [size * step for size, step in zip(grid, stride, strict=True)]
    whole = summed.transpose(0, *side_by_side, 2 * rank + 1).reshape(batch, *sizes, channels)
    edges = [(-low, low + size - full) for (low, _), size, full in zip(geometry.padding, space, sizes, strict=True)]
    return spread(whole, (1,) * rank, edges)
