"""Bilinear upsampling as a transposed convolution."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def bilinear_window(factor: int) -> Float[np.ndarray, " size"]:
    """The triangle with which a transposed convolution of stride ``factor`` interpolates along one axis.

        w_i = 1 − |i − c| / f,   i = 0 … 2f − 1 − (f mod 2),   c the middle

    ``ValueError`` below 1. Long et al. 2015, section 3.3.
    """
    if factor < 1:
        raise ValueError(f"a factor of at least 1 is needed, got {factor}")
    size = 2 * factor - factor % 2
    return 1 - np.abs(np.arange(size) - (size - 1) / 2) / factor


def bilinear_kernel(
    key: Any, shape: Sequence[int], dtype: Any = jnp.float32
) -> Float[Array, "rows columns channels features"]:
    """An initialiser for the kernel [2f − f mod 2, …, channels, features] of a transposed convolution of stride f.

        w[k, l, c, o] = w_k w_l   where c = o, else 0

    Each map is then enlarged by itself: f times, with ``padding`` (f − f mod 2) / 2 on either side, the value at p is
    that of a line between its neighbours at (p + ½)/f − ½, where it has two; beyond the border stands 0. No ``key`` is
    drawn from. ``ValueError`` for a window that is no square of such a size. Long et al. 2015, section 3.3.
    """
    rows, columns, channels, features = shape
    factor = (rows + 1) // 2
    if rows != columns or rows != 2 * factor - factor % 2:
        raise ValueError(f"a window of {rows} × {columns} is that of no bilinear kernel: expected 2f − f mod 2 a side")
    window = bilinear_window(factor)
    kernel = np.outer(window, window)[..., None, None] * np.eye(channels, features)
    return jnp.asarray(kernel, dtype)
