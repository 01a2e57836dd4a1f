"""A window that slides over images: where it stands, and what it sees there.

Dumoulin & Visin 2016.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Integer

from models.layers.conv import output_size
from models.layers.spatial_options import Padding, padding_per_axis, per_axis


class Window(NamedTuple):
    """A window and its positions on images of one size; every field has one entry for each spatial axis."""

    space: tuple[int, ...]
    """the images' size"""
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    """rows in front of the images and behind them; negative ones are cut away"""
    positions: tuple[int, ...]

    def cells_within(self, margins: Sequence[tuple[int, int]]) -> Integer[np.ndarray, "*positions"]:
        """How many cells of the window lie in the image or in margins of it, at every position."""
        counts = np.ones((), np.int64)
        for axis, (low, high) in enumerate(margins):
            first = np.arange(self.positions[axis]) * self.stride[axis] - self.padding[axis][0]
            last = np.minimum(first + self.size[axis], self.space[axis] + high)
            counts = np.multiply.outer(counts, np.maximum(last - np.maximum(first, -low), 0))
        return counts

    def sees_pixels(self) -> bool:
        """Whether a pixel of the image is seen at every position, and not padding alone."""
        return bool(self.cells_within([(0, 0)] * len(self.space)).all())

    def cells(self, images: Array, outside: float) -> list[Array]:
        """What each cell of the window sees at every position, row-major:  [batch, *positions, channels].

        Around the images stands the value ``outside``.
        """
        around = [(0, 0, 0), *((low, high, 0) for low, high in self.padding), (0, 0, 0)]
        padded = lax.pad(images, jnp.asarray(outside, images.dtype), around)
        reach = [s * (n - 1) + 1 for s, n in zip(self.stride, self.positions, strict=True)]

        def at(cell: tuple[int, ...]) -> Array:
            last = np.add(cell, reach).tolist()
            return lax.slice(padded, (0, *cell, 0), (images.shape[0], *last, images.shape[-1]), (1, *self.stride, 1))

        return [at(cell) for cell in np.ndindex(*self.size)]


def sliding_window(
    space: Sequence[int],
    size: int | Sequence[int],
    *,
    stride: int | Sequence[int],
    padding: Padding = "VALID",
    ceil_mode: bool = False,
) -> Window:
    """A window of ``size`` at every ``stride``-th position over images of size ``space``.

    ``padding`` is that of ``models.layers.conv.convolve``. With ``ceil_mode`` the last window of an axis may reach past
    the padded image, so that ⌈⌉ stands for ⌊⌋ in the number of positions; but it begins inside of the image or of the
    padding in front of it. PyTorch's ``ceil_mode``. A window that does not fit, an axis that is missing, or an
    option that is no such number raises ``ValueError``.
    """
    size, stride = per_axis("window", size, space), per_axis("stride", stride, space)
    padding = padding_per_axis(padding, space, window=size, stride=stride)
    if ceil_mode:
        padding = tuple(_rounded_up(*axis) for axis in zip(space, size, stride, padding, strict=True))
    axes = zip(space, size, stride, padding, strict=True)
    positions = tuple(output_size(n, k, stride=s, padding=p) for n, k, s, p in axes)
    if min(positions) < 1:
        raise ValueError(f"a window of {size} does not fit images of size {tuple(space)}, {padding=}")
    return Window(tuple(space), size, stride, padding, positions)


def _rounded_up(space: int, size: int, stride: int, padding: tuple[int, int]) -> tuple[int, int]:
    """The padding with so much more behind that the last, incomplete window is complete."""
    low, high = padding
    last = -(-(space + low + high - size) // stride) * stride
    if last >= space + low:
        last -= stride
    return low, max(high, last + size - space - low)
