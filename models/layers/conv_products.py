"""The products that a convolution is made of; those for CPUs are chosen by shape.

What each choice gains is measured by ``lectern bench convolution`` (docs/benchmarks.md). It is made from shapes and the
platform when a program is lowered. Accelerators keep XLA's own convolution.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

MOST_ENTRIES = 2**21
"""of the patches that are multiplied at once, 8 MiB in float32: more of them leave a processor's cache"""
LOW, WIDE = 8, 64
"""pixels from top to bottom, at most, of images to which rows are added only for many channels and features, where the
processor has wide vectors"""
_VECTORS = np.show_config(mode="dicts")["SIMD Extensions"].get("found", ())
WIDE_VECTORS = "AVX512F" in _VECTORS or "X86_V4" in _VECTORS
"""whether this processor has vectors of 512 bits (NumPy 2.4 has the second name for that): XLA's other library is
fast on low images then"""
MOST_TERMS, MOST_FEATURES = 27, 16
"""of a convolution that is computed term by term: a window of 3×3 pixels of three colours, say"""
FEWEST_PIXELS = 256
"""of an image whose convolution is a sum of shifted images: on 8×8 a network that trains lost a tenth by them"""
WIDE_WINDOW = 5
"""pixels, at least, of a window whose columns are computed one by one, or in pairs for the gradient by its kernel"""
MOST_COLUMN_FEATURES = 20
"""of a convolution that is computed column by column of the window: a LeNet's gradient by its first maps, say"""
MOST_PLACES, MOST_CHANNELS = 25, 32
"""of a convolution into at most four features that is computed plane by plane: the gradient by a picture, say"""


class Geometry(NamedTuple):
    """How a kernel is laid over images, by spatial axis."""

    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int


def product(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """The convolution."""
    by_xla = partial(xla_convolution, geometry)
    if _windows_stand_apart(geometry, kernel):
        own = partial(_window_by_window, geometry)
    elif _has_few_terms(geometry, images, kernel):
        own = partial(_term_by_term, geometry)
    elif _has_few_features(geometry, images, kernel):
        blocks = blocks_of(images, images[0, ..., 0].size * kernel[..., 0, :].size)
        own = partial(in_blocks, partial(_by_planes, geometry), blocks)
    elif _columns_pay(geometry, images, kernel):
        blocks = blocks_of(images, images[0].size * kernel.shape[0], fewest=2)
        own = partial(in_blocks, partial(_by_columns, geometry), blocks)
    elif added := _rows_to_add(geometry, images, kernel):
        own = partial(_with_rows_added, geometry, added)
    else:
        return by_xla(images, kernel)
    return lax.platform_dependent(images, kernel, cpu=own, default=by_xla)


def stored_product(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """The convolution where several computations read it, as in training: XLA would sum few terms once for each.

    Half of the images after the other, where their number is even: no loop's result is computed twice.
    """
    if _windows_stand_apart(geometry, kernel) or not (
        _has_few_terms(geometry, images, kernel) and are_divisible(images, 2)
    ):
        return product(geometry, images, kernel)
    own = partial(in_blocks, partial(_term_by_term, geometry), 2)
    return lax.platform_dependent(images, kernel, cpu=own, default=partial(xla_convolution, geometry))


def xla_convolution(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """The convolution as XLA computes it, the layout NHWC × HWIO."""
    rank = images.ndim - 2
    space = "".join("DHW"[-rank:]) if rank <= 3 else "".join(map(chr, range(97, 97 + rank)))
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=geometry.stride,
        padding=geometry.padding,
        rhs_dilation=geometry.dilation,
        dimension_numbers=("N" + space + "C", space + "IO", "N" + space + "C"),
        feature_group_count=geometry.groups,
    )


def _windows_stand_apart(geometry: Geometry, kernel: Array) -> bool:
    """Of one pixel each, or side by side, of enough channels that copying them pays."""
    *window, channels, _ = kernel.shape
    plain = geometry.groups == 1 and not any(map(any, geometry.padding))
    side_by_side = tuple(window) == geometry.stride and {*geometry.dilation} == {1} and channels >= 16
    return plain and (prod(window) == 1 or side_by_side)


def _window_by_window(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """A row for each window, and one product."""
    *window, _, features = kernel.shape
    sizes = zip(images.shape[1:-1], window, geometry.stride, strict=True)
    rows = jnp.concatenate(pixels_met(geometry, images, window, [(n - k) // s + 1 for n, k, s in sizes]), axis=-1)
    return (rows.reshape(-1, rows.shape[-1]) @ kernel.reshape(-1, features)).reshape(*rows.shape[:-1], features)


def _has_few_terms(geometry: Geometry, images: Array, kernel: Array) -> bool:
    few = kernel[..., 0].size <= MOST_TERMS and kernel.shape[-1] <= MOST_FEATURES
    return few and geometry.groups == 1 and _are_large(images)


def _term_by_term(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """Σ over the window's places and the channels: an image of one number a pixel × the numbers of the features."""
    positions = jax.eval_shape(partial(xla_convolution, geometry), images, kernel).shape[1:-1]
    met = pixels_met(geometry, images, kernel.shape[:-2], positions)
    numbers = kernel.reshape(len(met), *kernel.shape[-2:])
    return sum(
        seen[..., channel, None] * numbers[place, channel]
        for place, seen in enumerate(met)
        for channel in range(kernel.shape[-2])
    )


def _has_few_features(geometry: Geometry, images: Array, kernel: Array) -> bool:
    *window, channels, features = kernel.shape
    plain = geometry.groups == 1 and {*geometry.stride, *geometry.dilation} == {1}
    few = features <= 4 and prod(window) <= MOST_PLACES and 8 <= channels <= MOST_CHANNELS
    return plain and few and _are_large(images)


def _are_large(images: Array) -> bool:
    """Enough that sums of shifted images pay, in types that lose nothing by being added one by one."""
    return images[0, ..., 0].size >= FEWEST_PIXELS and images.dtype in (jnp.float32, jnp.float64)


def _by_planes(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """One product makes a plane of the images for each place of the window and feature; those of places are added."""
    *window, channels, features = kernel.shape
    padded = spread(images, geometry.stride, geometry.padding)
    rows = kernel.reshape(-1, channels, features).swapaxes(1, 2).reshape(-1, channels)
    planes = (rows @ padded.reshape(-1, channels).T).reshape(*window, features, *padded.shape[:-1])
    positions = [n - k + 1 for n, k in zip(padded.shape[1:-1], window, strict=True)]

    def met(place: tuple[int, ...]) -> Array:
        return planes[place][(..., *(slice(k, k + n) for k, n in zip(place, positions, strict=True)))]

    return jnp.moveaxis(sum(map(met, np.ndindex(*window))), 0, -1)


def _columns_pay(geometry: Geometry, images: Array, kernel: Array) -> bool:
    *window, channels, features = kernel.shape
    plain = geometry.groups == 1 and geometry.stride == geometry.dilation == (1, 1)
    narrow = channels >= 16 and features <= MOST_COLUMN_FEATURES
    exact = images.dtype in (jnp.float32, jnp.float64)
    return plain and narrow and exact and min(window) >= WIDE_WINDOW and are_divisible(images, 2)


def _by_columns(geometry: Geometry, images: Array, kernel: Array) -> Array:
    """One product of the rows that the window meets; what each column of the window gives is shifted and added."""
    height, width, channels, features = kernel.shape
    above, beside = geometry.padding
    rows, columns = (
        n + sum(p) - k + 1 for n, p, k in zip(images.shape[1:3], geometry.padding, kernel.shape[:2], strict=True)
    )
    upright = geometry._replace(padding=(above, (0, 0)))
    met = jnp.concatenate(pixels_met(upright, images, (height, 1), (rows, images.shape[2])), axis=-1)
    given = met.reshape(-1, height * channels) @ kernel.swapaxes(1, 2).reshape(height * channels, -1)
    shifted = spread(given.reshape(*met.shape[:-1], -1), (1, 1), ((0, 0), beside))
    return sum(shifted[:, :, k : k + columns, k * features : (k + 1) * features] for k in range(width))


def in_blocks(convolution: Callable[[Array, Array], Array], blocks: int, images: Array, kernel: Array) -> Array:
    """One block of images after the other; what comes out is stored."""
    if blocks == 1:
        return convolution(images, kernel)
    results = lax.map(lambda block: convolution(block, kernel), images.reshape(blocks, -1, *images.shape[1:]))
    return results.reshape(-1, *results.shape[2:])


def _rows_to_add(geometry: Geometry, images: Array, kernel: Array) -> int:
    """The rows that make the result higher than the images: XLA 0.10 is faster then, from 16 channels on.

    It hands two-dimensional float32 convolutions of more than 16 channels or features over to another library unless
    an extent grows. None where it does not do so anyway, and where the rows would cost more than they gain: where they
    are many, or the vectors wide, the images low and the kernel narrow.
    """
    plain = geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1
    channels, features = kernel.shape[-2:]
    if not plain or channels < 16 or channels == features == 16 or images.dtype != jnp.float32:
        return 0
    positions = images.shape[1] + sum(geometry.padding[0]) - kernel.shape[0] + 1
    missing = images.shape[1] + 1 - positions
    pays = not WIDE_VECTORS or images.shape[1] > LOW or min(channels, features) >= WIDE
    return missing if pays and 0 < missing <= positions * 2 / 3 else 0


def _with_rows_added(geometry: Geometry, added: int, images: Array, kernel: Array) -> Array:
    (low, high), columns = geometry.padding
    return xla_convolution(geometry._replace(padding=((low, high + added), columns)), images, kernel)[:, :-added]


def blocks_of(images: Array, entries_each: int, *, fewest: int = 1) -> int:
    """The blocks, a power of two, that leave few enough patches in each; an odd number of images is not divided."""
    blocks = fewest if are_divisible(images, fewest) else 1
    while are_divisible(images, 2 * blocks) and images.shape[0] // blocks * entries_each > MOST_ENTRIES:
        blocks *= 2
    return blocks


def are_divisible(images: Array, parts: int) -> bool:
    """Never where their number is not known before the program runs, as in one that is exported."""
    return isinstance(images.shape[0], int) and images.shape[0] % parts == 0


def pixels_met(geometry: Geometry, images: Array, window: Sequence[int], positions: Sequence[int]) -> list[Array]:
    """What each place of the window meets [batch, *positions, channels], zeros around the images."""
    padded = spread(images, (1,) * len(window), geometry.padding)

    def at(place: tuple[int, ...]) -> Array:
        first = [d * k for d, k in zip(geometry.dilation, place, strict=True)]
        last = [low + s * (n - 1) + 1 for low, s, n in zip(first, geometry.stride, positions, strict=True)]
        return lax.slice(padded, (0, *first, 0), (images.shape[0], *last, images.shape[-1]), (1, *geometry.stride, 1))

    return [at(place) for place in np.ndindex(*window)]


def spread(array: Array, stride: Sequence[int], edges: Sequence[tuple[int, int]]) -> Array:
    """Zeros between the spatial entries of ``array`` and at its edges; negative edges crop."""
    config = [(0, 0, 0), *((low, high, s - 1) for (low, high), s in zip(edges, stride, strict=True)), (0, 0, 0)]
    return lax.pad(array, lax.convert_element_type(0, array.dtype), config)
