"""The locally connected layer: a convolution whose kernel is another one at every position."""

from collections.abc import Sequence
from math import prod

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.spatial_options import Padding
from models.layers.window import sliding_window


def locally_connected(
    images: Float[Array, "batch *space channels"],
    kernels: Float[Array, "*positions_and_window channels features"],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "VALID",
) -> Float[Array, "batch *positions features"]:
    """Every position of the window has weights of its own.

        y[n, i, o] = Σ_k Σ_c x[n, stride·i + k − p_low, c] w[i, k, c, o],   zero outside of x

    The first axes of ``kernels`` are the positions, the next ones the window. ``padding`` is that of
    ``models.layers.conv.convolve``, which this is where all kernels are equal: it costs the same multiply-adds, and as
    many times the parameters as there are positions. Shapes that do not fit raise ``ValueError``.

    Lectures 000 and 001, "Locally-connected layer"; LeCun 1989, "Generalization and network design strategies".
    """
    rank, channels = images.ndim - 2, images.shape[-1]
    if kernels.ndim != 2 * rank + 2 or kernels.shape[-2] != channels:
        raise ValueError(
            f"kernels {kernels.shape} of images {images.shape} need {rank} positions, {rank} sizes of the "
            f"window, {channels} channels, and features"
        )
    window = sliding_window(images.shape[1:-1], kernels.shape[rank : 2 * rank], stride=stride, padding=padding)
    if window.positions != kernels.shape[:rank]:
        raise ValueError(f"kernels {kernels.shape} on images {images.shape} need the positions {window.positions}")
    seen = jnp.stack(window.cells(images, 0.0), axis=-2)
    rows = seen.reshape(images.shape[0], prod(window.positions), -1)
    weights = kernels.reshape(rows.shape[1], rows.shape[2], -1)
    return jnp.einsum("npk,pko->npo", rows, weights).reshape(images.shape[0], *window.positions, -1)
