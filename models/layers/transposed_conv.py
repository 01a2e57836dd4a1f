"""The transposed convolution: the adjoint of a convolution, which turns small maps into large ones."""

from collections.abc import Sequence

from jax.nn.initializers import Initializer, variance_scaling
from jaxtyping import Array, Float

from models.layers.conv import convolution_adjoint, output_size
from models.layers.conv_adjoint import xla_adjoint
from models.layers.conv_products import Geometry
from models.layers.spatial_options import explicit_padding, per_axis


def convolve_transposed(
    maps: Float[Array, "batch *positions features"],
    kernel: Float[Array, "*window channels_per_group features"],
    *,
    stride: int | Sequence[int] = 1,
    padding: Sequence[tuple[int, int]] | None = None,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Array, "batch *space channels"]:
    """Aᵀy where A is ``convolve`` with the same kernel and options: every entry of ``maps`` paints the window.

        x[n, j, c] = Σ_{i, k: stride·i + dilation·k − p_low = j} Σ_o y[n, i, o] w[k, c, o]

    Its size is  (positions − 1)·stride − p_low − p_high + dilation·(window − 1) + 1 + output_padding. Up to stride − 1
    rows of images are never seen by the convolution behind its last position: ``output_padding`` of them are added.
    ``padding`` is (low, high) per spatial axis of the *images*, by default none.

    The kernel is that of the convolution, so its last axis is what goes in. PyTorch's ``ConvTranspose2d`` is the same
    with its weight [in, out/groups, height, width] transposed to [height, width, out/groups, in]; Flax's needs
    ``transpose_kernel=True``. Shapes and options that do not fit raise ``ValueError``.

    Zeiler et al. 2010; Dumoulin & Visin 2016, section 4 and relationship 14. Lecture 003, section 3.7.
    """
    rank = maps.ndim - 2
    if kernel.ndim != maps.ndim or kernel.shape[-1] != maps.shape[-1]:
        raise ValueError(f"maps {maps.shape} and kernel {kernel.shape} must have the same rank and last axis")
    if groups < 1 or kernel.shape[-1] % groups:
        raise ValueError(f"the last axis of the kernel {kernel.shape} must be a multiple of groups, got {groups=}")
    positions = maps.shape[1:-1]
    window = per_axis("window", kernel.shape[:rank], positions)
    stride, dilation = per_axis("stride", stride, positions), per_axis("dilation", dilation, positions)
    extra = per_axis("output_padding", output_padding, positions, least=0)
    edges = explicit_padding([(0, 0)] * rank if padding is None else padding, positions)
    space = []
    for axis, (low, high) in enumerate(edges):
        reach = dilation[axis] * (window[axis] - 1)
        size = (positions[axis] - 1) * stride[axis] - low - high + reach + 1 + extra[axis]
        if output_size(size, reach + 1, stride=stride[axis], padding=(low, high)) != positions[axis]:
            raise ValueError(
                f"no convolution makes {maps.shape} of size {size} with {stride=}, {padding=}, "
                f"{output_padding=} and the kernel {kernel.shape}, dilation {dilation}"
            )
        space.append(size)
    geometry = Geometry(stride, edges, dilation, groups)
    if 0 in (*maps.shape, *kernel.shape):
        return xla_adjoint(geometry, tuple(space), maps, kernel)
    return convolution_adjoint(geometry, tuple(space), maps, kernel)


def transposed_he_normal(stride: int) -> Initializer:
    """How kernels [height, width, outputs, inputs] of a transposed convolution begin, so that rectified maps keep their
    size: the variance is 2 / n, where an output sums over n = inputs · height · width / stride² products.

    Initialisers take the axis before the last for the inputs and know of no stride. He et al. 2015, section 2.2.
    """
    return variance_scaling(2.0 * stride**2, "fan_in", "truncated_normal", in_axis=-1, out_axis=-2)
