"""Convolution, with gradients that are an ordinary convolution and matrix products.

Autodiff's gradients of a convolution permute its dimension numbers, and XLA on CPU runs such convolutions on a slow
path inside a while loop, such as ``lax.scan``. The two gradients below are the same sums: the images' laid out as a
plain NHWC × HWIO convolution, the kernel's as one matrix product for each place of the window.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax import lax
from jaxtyping import Array, Float

Padding = str | Sequence[tuple[int, int]]


class _Geometry(NamedTuple):
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """⌊(size + p_low + p_high − dilation·(kernel − 1) − 1) / stride⌋ + 1: positions of a kernel along one axis.

    Dumoulin & Visin 2016, relationship 15. Zero where the kernel does not fit.
    """
    room = size + sum(padding) - dilation * (kernel - 1) - 1
    return room // stride + 1 if room >= 0 else 0


def convolve(
    images: Float[Array, "batch *space channels"],
    kernel: Float[Array, "*window channels_per_group features"],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "VALID",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Array, "batch *positions features"]:
    """Cross-correlation of images with a kernel, in any number of spatial dimensions.

        y[n, i, o] = Σ_k Σ_c x[n, stride·i + dilation·k − p_low, c] w[k, c, o],   zero outside of x

    ``padding`` is ``"VALID"`` (none), ``"SAME"`` (⌈size/stride⌉ positions) or (low, high) per spatial axis. With
    ``groups`` > 1 channels and features fall into that many blocks, each feature seeing its own block only.
    Differentiable by reverse mode, as fast inside ``lax.scan`` as outside. Shapes that do not fit raise ``ValueError``.

    Dumoulin & Visin 2016.
    """
    rank = images.ndim - 2
    if kernel.ndim != images.ndim or rank < 1:
        raise ValueError(f"images {images.shape} and kernel {kernel.shape} must have the same rank, at least 3")
    if images.shape[-1] != kernel.shape[-2] * groups or kernel.shape[-1] % groups:
        raise ValueError(
            f"{images.shape[-1]} channels in {groups} groups do not fit a kernel of shape {kernel.shape}: expected "
            f"its last two axes to be {images.shape[-1]}/{groups} and a multiple of {groups}"
        )
    stride, dilation = _per_axis(stride, rank), _per_axis(dilation, rank)
    if isinstance(padding, str):
        window = [d * (k - 1) + 1 for k, d in zip(kernel.shape[:rank], dilation, strict=False)]
        padding = lax.padtype_to_pads(images.shape[1:-1], window, stride, padding)
    padding = tuple((int(low), int(high)) for low, high in padding)
    if {len(stride), len(padding), len(dilation)} != {rank}:
        raise ValueError(
            f"images {images.shape} have {rank} spatial axes, which {stride=}, {padding=} and {dilation=} must match"
        )
    sizes = zip(images.shape[1:-1], kernel.shape[:rank], stride, padding, dilation, strict=True)
    if min(output_size(n, k, stride=s, padding=p, dilation=d) for n, k, s, p, d in sizes) < 1:
        raise ValueError(
            f"a kernel of shape {kernel.shape}, dilation {dilation} does not fit {images.shape}, {padding=}"
        )
    return _convolve(_Geometry(stride, padding, dilation, groups), images, kernel)


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


def flax_convolution(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: Padding,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: object = None,
    feature_group_count: int = 1,
    precision: object = None,
) -> Array:
    """``convolve`` with the signature of ``lax.conv_general_dilated``, for ``nn.Conv(conv_general_dilated=…)``."""
    if lhs_dilation is not None and set(lhs_dilation) != {1}:
        raise ValueError(f"the input cannot be dilated here, got {lhs_dilation=}")
    if precision is not None:
        raise ValueError(f"the precision cannot be chosen here, got {precision=}")
    del dimension_numbers  # Flax always passes N…C by …IO
    dilation = rhs_dilation or 1
    return convolve(lhs, rhs, stride=window_strides, padding=padding, dilation=dilation, groups=feature_group_count)


def _per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(geometry: _Geometry, images: Array, kernel: Array) -> Array:
    rank = images.ndim - 2
    space = "".join("DHW"[-rank:]) if rank <= 3 else "".join(map(chr, range(97, 97 + rank)))
    layout = ("N" + space + "C", space + "IO", "N" + space + "C")
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=geometry.stride,
        padding=geometry.padding,
        rhs_dilation=geometry.dilation,
        dimension_numbers=layout,
        feature_group_count=geometry.groups,
    )


def _forward(geometry: _Geometry, images: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return _convolve(geometry, images, kernel), (images, kernel)


def _backward(geometry: _Geometry, operands: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    images, kernel = operands
    return _image_gradient(geometry, images, kernel, cotangent), _kernel_gradient(geometry, images, kernel, cotangent)


_convolve.defvjp(_forward, _backward)


def _spread(array: Array, stride: tuple[int, ...], edges: Sequence[tuple[int, int]]) -> Array:
    """Zeros between the spatial entries of ``array`` and at its edges; negative edges crop."""
    config = [(0, 0, 0), *((low, high, s - 1) for (low, high), s in zip(edges, stride, strict=True)), (0, 0, 0)]
    return lax.pad(array, lax.convert_element_type(0, array.dtype), config)


def _image_gradient(geometry: _Geometry, images: Array, kernel: Array, cotangent: Array) -> Array:
    """dx: the cotangent, zeros between its entries, convolved with the flipped kernel with swapped channel axes."""
    stride, padding, dilation, groups = geometry
    rank = images.ndim - 2
    edges = []
    for axis in range(rank):
        reach = dilation[axis] * (kernel.shape[axis] - 1)
        spread_size = (cotangent.shape[1 + axis] - 1) * stride[axis] + 1
        low = reach - padding[axis][0]
        edges.append((low, images.shape[1 + axis] + reach - spread_size - low))
    plain = _Geometry((1,) * rank, ((0, 0),) * rank, dilation, groups)
    return _convolve(plain, _spread(cotangent, stride, edges), adjoint_kernel(kernel, groups=groups))


def _kernel_gradient(geometry: _Geometry, images: Array, kernel: Array, cotangent: Array) -> Array:
    """dw: at each place of the window, the pixels that it meets there, times the cotangent, one matrix product each."""
    stride, padding, dilation, groups = geometry
    rank = images.ndim - 2
    padded = _spread(images, (1,) * rank, padding)
    positions = cotangent.shape[1:-1]
    features = cotangent.reshape(-1, groups, cotangent.shape[-1] // groups)

    def at(place: tuple[int, ...]) -> Array:
        first = [d * k for d, k in zip(dilation, place, strict=True)]
        last = [low + s * (n - 1) + 1 for low, s, n in zip(first, stride, positions, strict=True)]
        met = lax.slice(padded, (0, *first, 0), (len(images), *last, images.shape[-1]), (1, *stride, 1))
        met = met.reshape(-1, groups, images.shape[-1] // groups)
        return jax.numpy.einsum("pgc,pgo->cgo", met, features)

    rows = jax.numpy.stack([at(place) for place in np.ndindex(*kernel.shape[:rank])])
    return rows.reshape(kernel.shape)
