"""Pooling: one number for every window of an image, or for all of it, channel by channel.

There is nothing to learn. Max pooling has a gradient of its own, in which every window remembers which of its cells was
the first of the largest; autodiff of ``lax.reduce_window`` looks for it again, several times slower on CPU.
"""

from collections.abc import Sequence
from functools import partial, reduce
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from models.layers.maximum import maximum
from models.layers.spatial_options import Padding, padding_per_axis
from models.layers.window import Window, sliding_window


def max_pool(
    images: Float[Array, "batch *space channels"],
    *,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = "VALID",
    ceil_mode: bool = False,
) -> Float[Array, "batch *positions channels"]:
    """The largest value of each window; nothing in the padding is largest.

        y[n, i, c] = max_k x[n, stride·i + k − p_low, c],   over the k that lie in x

    ``stride`` is by default the window's size; ``padding`` as in ``models.layers.conv.convolve``; with ``ceil_mode`` a
    last window may reach past the image (``models.layers.window.sliding_window``). A NaN in the window is largest.

    The gradient of a window goes to the first of its largest values in row-major order, as in
    ``models.layers.maximum``, but for two cases, whose check would take up to as long again: where one is NaN it goes
    to the window's last cell, and where all pixels are −∞ to its first cell; either may be padding.

    A window that does not fit or that lies in the padding alone, and options that are no such numbers, raise
    ``ValueError``.

    Lecture 000, "Pooling layer"; Ranzato et al. 2007, section 2. Positions: Dumoulin & Visin 2016, section 3.
    """
    return _max_pool(_window(images, window, stride, padding, ceil_mode), images)


def average_pool(
    images: Float[Array, "batch *space channels"],
    *,
    window: int | Sequence[int],
    count_padding: bool,
    stride: int | Sequence[int] | None = None,
    padding: Padding = "VALID",
    ceil_mode: bool = False,
) -> Float[Array, "batch *positions channels"]:
    """The mean of each window.

        y[n, i, c] = Σ_k x[n, stride·i + k − p_low, c] / m_i,   zero outside of x

    m_i counts the window's cells: with ``count_padding`` all that lie in the image and its ``padding``, otherwise those
    in the image alone. What ``ceil_mode`` adds is never counted. PyTorch's ``count_include_pad`` is True by default,
    Flax's too, TensorFlow leaves padding out. Other arguments and errors as in ``max_pool``.

    Lecture 000, "Pooling layer"; LeCun et al. 1998, section II.B. Positions: Dumoulin & Visin 2016, section 3.
    """
    sliding = _window(images, window, stride, padding, ceil_mode)
    given = padding_per_axis(padding, sliding.space, window=sliding.size, stride=sliding.stride)
    counts = sliding.cells_within(given if count_padding else [(0, 0)] * len(given))
    return reduce(jnp.add, sliding.cells(images, 0.0)) / jnp.asarray(counts[..., None], images.dtype)


def global_max_pool(images: Float[Array, "batch *space channels"]) -> Float[Array, "batch channels"]:
    """The largest value of each channel; its gradient goes to the first of the largest in row-major order.

        y[n, c] = max_i x[n, i, c]

    ``max_pool`` with a window of the image's size. Oquab et al. 2015, section 3.
    """
    return maximum(_flattened(images), axis=1)


def global_average_pool(images: Float[Array, "batch *space channels"]) -> Float[Array, "batch channels"]:
    """The mean of each channel over space.

        y[n, c] = mean_i x[n, i, c]

    Lin et al. 2014, section 3.2.
    """
    return _flattened(images).mean(axis=1)


def _flattened(images: Array) -> Array:
    """[batch, pixels, channels]"""
    batch, *space, channels = images.shape
    return images.reshape(batch, prod(space), channels)


def _window(
    images: Array,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: Padding,
    ceil_mode: bool,
) -> Window:
    stride = window if stride is None else stride
    sliding = sliding_window(images.shape[1:-1], window, stride=stride, padding=padding, ceil_mode=ceil_mode)
    if not sliding.sees_pixels():
        raise ValueError(f"a window of {sliding.size} sees nothing but padding {sliding.padding} of {images.shape}")
    return sliding


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _max_pool(window: Window, images: Array) -> Array:
    return reduce(jnp.maximum, window.cells(images, -jnp.inf))


def _forward(window: Window, images: Array) -> tuple[Array, Array]:
    """With the number of the first of the largest cells, in the smallest type that holds it."""
    cells = window.cells(images, -jnp.inf)
    largest = reduce(jnp.maximum, cells)
    number = jnp.int8 if len(cells) <= 128 else jnp.int32
    first = jnp.full(largest.shape, len(cells) - 1, number)
    for place in reversed(range(len(cells) - 1)):
        first = jnp.where(cells[place] == largest, jnp.asarray(place, number), first)
    return largest, first


def _backward(window: Window, first: Array, cotangent: Array) -> tuple[Array]:
    """Pixels in blocks of the stride's size: a window reaches over one, or over several if it exceeds its stride.

    Each term of the sum is what the windows give to the block that they begin in, to the one behind it, and so on.
    """
    blocks = [-(-size // stride) for size, stride in zip(window.size, window.stride, strict=True)]
    terms = (_given_to(block, blocks, window, first, cotangent) for block in np.ndindex(*blocks))
    total = reduce(jnp.add, terms)
    sizes = [n * s for n, s in zip(total.shape[1:-1:2], window.stride, strict=True)]
    edges = zip(window.space, window.padding, sizes, strict=True)
    crop = [(0, 0, 0), *((-low, space + low - size, 0) for space, (low, _), size in edges), (0, 0, 0)]
    pixels = total.reshape(len(total), *sizes, total.shape[-1])
    return (lax.pad(pixels, jnp.zeros((), pixels.dtype), crop),)


_max_pool.defvjp(_forward, _backward)


def _given_to(block: Sequence[int], blocks: Sequence[int], window: Window, first: Array, cotangent: Array) -> Array:
    """The cotangents of the windows at the pixels of one of their blocks:  [batch, blocks, pixels, …, channels]."""
    rank = len(blocks)
    cell = np.indices(window.stride) + np.multiply(block, window.stride).reshape(rank, *[1] * rank)
    inside = np.all(cell < np.reshape(window.size, (rank, *[1] * rank)), axis=0)
    number = np.where(inside, np.ravel_multi_index(tuple(cell), window.size, mode="clip"), -1).astype(first.dtype)
    within = tuple(range(2, 2 * rank + 1, 2))
    here = jnp.expand_dims(first, within) == np.expand_dims(number, (0, *range(1, 2 * rank, 2), 2 * rank + 1))
    given = jnp.where(here, jnp.expand_dims(cotangent, within), 0)
    shifts = [edge for b, n in zip(block, blocks, strict=True) for edge in ((b, n - 1 - b), (0, 0))]
    return jnp.pad(given, [(0, 0), *shifts, (0, 0)])
