"""Convolution in any number of spatial dimensions, with gradients that are fast on CPUs too.

Autodiff's gradients of a convolution permute its dimension numbers, and XLA on CPU runs such convolutions on a slow
path inside a while loop, such as ``lax.scan``. There the two gradients below are the same sums: the images' laid out as
a plain NHWC × HWIO convolution, or as one matrix product where it is strided; the kernel's as matrix products. Other
platforms keep XLA's own.
"""

from collections.abc import Sequence
from functools import partial

import jax
from jaxtyping import Array, Float

from models.layers.conv_adjoint import adjoint_product
from models.layers.conv_kernel_gradient import kernel_gradient
from models.layers.conv_products import Geometry, product, stored_product, xla_convolution
from models.layers.spatial_options import Padding, padding_per_axis, per_axis


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
    Differentiable by reverse mode, as fast inside ``lax.scan`` as outside. Shapes and options that do not fit raise
    ``ValueError``. There may be no images, channels or features.

    Dumoulin & Visin 2016.
    """
    rank = images.ndim - 2
    if kernel.ndim != images.ndim or rank < 1:
        raise ValueError(f"images {images.shape} and kernel {kernel.shape} must have the same rank, at least 3")
    if groups < 1 or images.shape[-1] != kernel.shape[-2] * groups or kernel.shape[-1] % groups:
        raise ValueError(
            f"images {images.shape} and kernel {kernel.shape} do not fit with {groups=}: the kernel's last two axes "
            "must be channels / groups and a multiple of groups"
        )
    space = images.shape[1:-1]
    window = per_axis("window", kernel.shape[:rank], space)
    stride, dilation = per_axis("stride", stride, space), per_axis("dilation", dilation, space)
    reach = [d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True)]
    padding = padding_per_axis(padding, space, window=reach, stride=stride)
    sizes = zip(space, window, stride, padding, dilation, strict=True)
    if min(output_size(n, k, stride=s, padding=p, dilation=d) for n, k, s, p, d in sizes) < 1:
        raise ValueError(
            f"a kernel of shape {kernel.shape}, dilation {dilation} does not fit {images.shape}, {padding=}"
        )
    geometry = Geometry(stride, padding, dilation, groups)
    if 0 in (*images.shape, *kernel.shape):
        return xla_convolution(geometry, images, kernel)
    return _convolve(geometry, images, kernel)


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


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(geometry: Geometry, images: Array, kernel: Array) -> Array:
    return product(geometry, images, kernel)


def _forward(geometry: Geometry, images: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return stored_product(geometry, images, kernel), (images, kernel)


def _backward(geometry: Geometry, operands: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    images, kernel = operands
    by_images = convolution_adjoint(geometry, images.shape[1:-1], cotangent, kernel)
    return by_images, kernel_gradient(geometry, images, kernel, cotangent)


_convolve.defvjp(_forward, _backward)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def convolution_adjoint(geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array) -> Array:
    """Images of size ``space``: the adjoint of the convolution of ``geometry``, applied to its results."""
    return adjoint_product(geometry, space, maps, kernel)


def _adjoint_forward(
    geometry: Geometry, space: tuple[int, ...], maps: Array, kernel: Array
) -> tuple[Array, tuple[Array, Array]]:
    return convolution_adjoint(geometry, space, maps, kernel), (maps, kernel)


def _adjoint_backward(
    geometry: Geometry, space: tuple[int, ...], operands: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    """⟨x, Aᵀy⟩ = ⟨Ax, y⟩, so maps and images change places."""
    del space
    maps, kernel = operands
    return _convolve(geometry, cotangent, kernel), kernel_gradient(geometry, cotangent, kernel, maps)


convolution_adjoint.defvjp(_adjoint_forward, _adjoint_backward)
