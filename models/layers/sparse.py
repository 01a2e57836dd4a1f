"""Convolution as a fully connected layer: multiplication by a sparse matrix in which few weights stand many times.

    one dimension, window (a b c), 5 inputs        a b c 0 0
                                                   0 a b c 0
                                                   0 0 a b c

Equal weights stand along diagonals (a Toeplitz matrix); in two dimensions rows of the image become blocks, and equal
blocks stand along diagonals too. A large convolution is never computed so: the matrix is mostly zeros.
Lecture 003, section 3.2; Dumoulin & Visin 2016, section 4.1.
"""

from collections.abc import Sequence
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from models.layers.conv import output_size
from models.layers.spatial_options import Padding, padding_per_axis, per_axis


def convolution_matrix(
    kernel: Float[Array, "*window channels features"],
    input_size: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "VALID",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Array, "outputs inputs"]:
    """The matrix M with  flatten(convolve(x, w)) = M flatten(x),  for images of spatial ``input_size``.

        M[(i, o), (j, c)] = w[k, c, o]  where  j = stride·i + dilation·k − p_low,   zero where there is no such k

    Options are those of ``models.layers.conv.convolve``; zeros around the image need no columns. With ``groups`` there
    are zeros between all channels and features of different groups. Shapes that do not fit raise ``ValueError``.
    Lecture 003, section 3.2, which draws Mᵀ of a 3×3 kernel on a 4×4 image.
    """
    numbers = _weight_numbers(kernel.shape, input_size, stride, padding, dilation, groups)
    return jnp.pad(kernel.reshape(-1), (0, 1))[numbers]


def tied_gradient(
    matrix_gradient: Float[Array, "outputs inputs"],
    kernel_shape: Sequence[int],
    input_size: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "VALID",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Array, "*window channels features"]:
    """The gradient of the kernel from that of its matrix: the sum over all places where a weight stands.

        ∂L/∂w_k = Σ_{(r, s): M_rs is w_k} ∂L/∂M_rs

    To the matrix the layer is a fully connected one, so ∂L/∂M = δ xᵀ. Lecture 003, section 3.2, updates equal weights
    equally, "e.g. [by] the mean": this sum divided by the number of places, which without padding is the number of
    positions for every weight, and so another step size. A gradient of another shape than the matrix raises
    ``ValueError``.
    """
    numbers = _weight_numbers(kernel_shape, input_size, stride, padding, dilation, groups)
    if matrix_gradient.shape != numbers.shape:
        raise ValueError(f"the matrix has shape {numbers.shape}, its gradient {matrix_gradient.shape}")
    sums = jax.ops.segment_sum(matrix_gradient.reshape(-1), numbers.reshape(-1), num_segments=prod(kernel_shape) + 1)
    return sums[:-1].reshape(kernel_shape)


def _weight_numbers(
    kernel_shape: Sequence[int],
    input_size: Sequence[int],
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
) -> Int[np.ndarray, "outputs inputs"]:
    """The drawing of the matrix: which weight of the flattened kernel stands where; one past the last is a zero.

    Rows are outputs and columns inputs, both flattened with the channels innermost.
    """
    *window, channels, features = kernel_shape
    rank = len(window)
    if rank != len(input_size):
        raise ValueError(f"a kernel of shape {tuple(kernel_shape)} needs {rank} input sizes, got {tuple(input_size)}")
    if groups < 1 or features % groups:
        raise ValueError(
            f"the last axis of the kernel {tuple(kernel_shape)} must be a multiple of groups, got {groups=}"
        )
    window = per_axis("window", window, input_size)
    stride, dilation = per_axis("stride", stride, input_size), per_axis("dilation", dilation, input_size)
    reach = [d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True)]
    padding = padding_per_axis(padding, input_size, window=reach, stride=stride)
    axes = zip(input_size, window, stride, padding, dilation, strict=True)
    sizes = [output_size(size, k, stride=s, padding=p, dilation=d) for size, k, s, p, d in axes]
    if min(sizes) < 1:
        raise ValueError(f"a kernel of shape {tuple(kernel_shape)} does not fit {tuple(input_size)}, {padding=}")

    def along_axes(values: Sequence[int]) -> Int[np.ndarray, "rank 1 1"]:
        return np.asarray(values).reshape(rank, 1, 1)

    outputs = np.indices(sizes).reshape(rank, -1, 1)
    inputs = np.indices(tuple(input_size)).reshape(rank, 1, -1)
    distance = inputs - along_axes(stride) * outputs + along_axes([low for low, _ in padding])
    cell, between = np.divmod(distance, along_axes(dilation))  # of the window at that output
    inside = np.all((between == 0) & (cell >= 0) & (cell < along_axes(window)), axis=0)
    numbers = np.arange(prod(kernel_shape)).reshape(kernel_shape)[tuple(np.where(inside, cell, 0))]
    numbers = np.where(inside[..., None, None], numbers, prod(kernel_shape))  # outputs, inputs, channels, features
    numbers = _in_groups(numbers, groups, nothing=prod(kernel_shape))
    return numbers.transpose(0, 3, 1, 2).reshape(prod(sizes) * features, prod(input_size) * channels * groups)


def _in_groups(numbers: Int[np.ndarray, "... channels features"], groups: int, nothing: int) -> Int[np.ndarray, "..."]:
    """The channels of all groups, where only those of its own group are seen by a feature."""
    *places, channels, features = numbers.shape
    spread = np.broadcast_to(numbers[..., None, :, :], (*places, groups, channels, features))
    own = np.arange(groups)[:, None] == np.arange(features) // (features // groups)
    return np.where(own[:, None], spread, nothing).reshape(*places, groups * channels, features)
