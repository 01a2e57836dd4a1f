"""The matrix of a convolution against the lecture's drawing, SciPy's Toeplitz matrices, and the convolution itself."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.signal
from cases import Case

from models.layers.conv import convolve
from models.layers.sparse import convolution_matrix, tied_gradient

CASES = {
    convolution_matrix: Case(lambda rng: (rng.normal(size=(2, 3, 1, 2)), (3, 4))),
    tied_gradient: Case(lambda rng: (rng.normal(size=(8, 12)), (2, 3, 1, 2), (3, 4))),
}

# shape of the kernel (window, channels, features), size of the input, options
GEOMETRIES = [
    ((3, 1, 1), (7,), {}),
    ((3, 2, 4), (7,), {"stride": 2}),
    ((2, 1, 3), (6,), {"padding": "SAME"}),
    ((3, 3, 1, 1), (4, 4), {}),
    ((3, 2, 2, 3), (5, 6), {"stride": (1, 2), "padding": "SAME"}),
    ((2, 3, 3, 2), (5, 4), {"stride": 2, "padding": [(2, 1), (0, 3)]}),
    ((2, 3, 1, 2), (6, 7), {"padding": [(-1, 0), (1, -2)]}),
    ((2, 1, 2, 2, 2), (3, 2, 4), {"padding": "SAME"}),
    ((3, 2, 1, 2), (7, 6), {"dilation": (2, 3), "stride": (1, 2), "padding": "SAME"}),
    ((2, 2, 2, 6), (4, 5), {"groups": 3, "stride": 2}),
    ((3, 1, 2), (6,), {"groups": 2, "dilation": 2, "padding": [(1, 2)]}),
]
EVERY = pytest.mark.parametrize(("kernel_shape", "input_size", "options"), GEOMETRIES, ids=str)


def matrix_of(kernel, input_size, **options):
    return jax.jit(lambda w: convolution_matrix(w, input_size, **options))(kernel)


def tied(matrix_gradient, kernel_shape, input_size, **options):
    return jax.jit(lambda g: tied_gradient(g, kernel_shape, input_size, **options))(matrix_gradient)


def normal(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def test_the_lectures_drawing():
    """Lecture 003, section 3.2: a 4×4 image and the kernel (1 2 3; 4 5 6; 7 8 9); the transpose, as printed there."""
    transposed = [
        [1, 0, 0, 0],
        [2, 1, 0, 0],
        [3, 2, 0, 0],
        [0, 3, 0, 0],
        [4, 0, 1, 0],
        [5, 4, 2, 1],
        [6, 5, 3, 2],
        [0, 6, 0, 3],
        [7, 0, 4, 0],
        [8, 7, 5, 4],
        [9, 8, 6, 5],
        [0, 9, 0, 6],
        [0, 0, 7, 0],
        [0, 0, 8, 7],
        [0, 0, 9, 8],
        [0, 0, 0, 9],
    ]
    kernel = np.arange(1.0, 10.0).reshape(3, 3, 1, 1)
    np.testing.assert_array_equal(matrix_of(kernel, (4, 4)), np.transpose(transposed))


def test_in_one_dimension_it_is_scipys_toeplitz_matrix():
    window = np.asarray([2.0, 3.0, 5.0])
    expected = scipy.linalg.toeplitz([2, 0, 0, 0], [2, 3, 5, 0, 0, 0])
    np.testing.assert_array_equal(matrix_of(window[:, None, None], (6,)), expected)


def test_in_two_dimensions_it_is_a_toeplitz_matrix_of_toeplitz_matrices():
    """One block per row of outputs and row of inputs, which holds the row of the window that meets both."""
    window = np.arange(1.0, 7.0).reshape(2, 3)
    rows = [scipy.linalg.toeplitz([row[0], 0, 0], [*row, 0, 0]) for row in window]
    zeros = np.zeros((3, 5))
    expected = np.block([[rows[0], rows[1], zeros, zeros], [zeros, rows[0], rows[1], zeros], [zeros, zeros, *rows]])
    np.testing.assert_array_equal(matrix_of(window[..., None, None], (4, 5)), expected)


def test_a_product_with_it_is_scipys_correlation(float64):
    image, window = normal(6, 5), normal(3, 2)
    product = np.asarray(matrix_of(window[..., None, None], (6, 5))) @ image.reshape(-1)
    close(product.reshape(4, 4), scipy.signal.correlate(image, window, "valid"))


@EVERY
def test_a_product_with_it_is_the_convolution(float64, kernel_shape, input_size, options):
    image, kernel = normal(*input_size, kernel_shape[-2] * options.get("groups", 1)), normal(*kernel_shape)
    expected = jax.jit(lambda x, w: convolve(x, w, **options))(image[None], kernel)
    close(np.asarray(matrix_of(kernel, input_size, **options)) @ image.reshape(-1), np.ravel(expected))


@EVERY
def test_the_tied_gradient_is_that_of_the_convolution(float64, kernel_shape, input_size, options):
    """The gradient of a fully connected layer's matrix, δ xᵀ, summed over the places of every weight."""
    image, kernel = normal(*input_size, kernel_shape[-2] * options.get("groups", 1)), normal(*kernel_shape)
    delta = normal(*jax.eval_shape(lambda x, w: convolve(x, w, **options), image[None], kernel).shape)
    along_delta = jax.grad(lambda w, x: jnp.vdot(delta, convolve(x, w, **options)))
    matrix_gradient = np.outer(delta.reshape(-1), image.reshape(-1))
    close(tied(matrix_gradient, kernel_shape, input_size, **options), jax.jit(along_delta)(kernel, image[None]), 1e-10)


@EVERY
def test_summing_is_the_adjoint_of_copying(float64, kernel_shape, input_size, options):
    """⟨M(w), G⟩ = ⟨w, tied(G)⟩ for any G, also one that is no product δ xᵀ."""
    kernel = normal(*kernel_shape)
    matrix = matrix_of(kernel, input_size, **options)
    gradient = normal(*matrix.shape)
    close(np.vdot(matrix, gradient), np.vdot(kernel, tied(gradient, kernel_shape, input_size, **options)))


def test_the_tied_gradient_is_the_sum_over_equal_entries(float64):
    """Entry by entry: the numbers of the drawing say which weight stands where."""
    drawing = np.asarray(matrix_of(np.arange(1.0, 13.0).reshape(3, 2, 1, 2), (4, 4), padding="SAME"))
    gradient = normal(*drawing.shape)
    expected = [sum(gradient[place] for place in zip(*np.where(drawing == k), strict=True)) for k in range(1, 13)]
    actual = tied(gradient, (3, 2, 1, 2), (4, 4), padding="SAME")
    close(np.ravel(actual), expected)


def test_every_weight_stands_once_at_every_position_where_there_is_no_padding():
    """The number by which the lecture's mean differs from the sum."""
    for stride, positions in ((1, 4 * 3), (2, 2 * 2), ((1, 3), 4 * 1)):
        shape = matrix_of(np.zeros((2, 3, 2, 3)), (5, 5), stride=stride).shape
        places = tied(np.ones(shape), (2, 3, 2, 3), (5, 5), stride=stride)
        np.testing.assert_array_equal(places, np.full((2, 3, 2, 3), positions))


def test_descending_on_the_matrix_or_on_the_kernel_is_the_same_step(float64):
    """Moving all copies of a weight by its tied gradient keeps the matrix that of a convolution."""
    kernel, gradient = normal(3, 1, 2), normal(8, 6)
    stepped = kernel - 0.1 * np.asarray(tied(gradient, kernel.shape, (6,)))
    matrix = np.array(matrix_of(kernel, (6,)))
    for (i, o), k in product(np.ndindex(4, 2), range(3)):
        matrix[2 * i + o, i + k] -= 0.1 * sum(gradient[2 * j + o, j + k] for j in range(4))
    close(matrix_of(stepped, (6,)), matrix)


def test_a_kernel_that_is_too_large_is_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"\(3, 4, 1, 2\) does not fit \(5, 3\)"):
        convolution_matrix(jnp.ones((3, 4, 1, 2)), (5, 3))


def test_a_kernel_of_another_rank_is_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"\(3, 1, 2\) needs 1 input sizes, got \(5, 3\)"):
        convolution_matrix(jnp.ones((3, 1, 2)), (5, 3))


def test_a_gradient_of_another_matrix_is_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"\(3, 5\).*\(5, 3\)"):
        tied_gradient(jnp.ones((5, 3)), (3, 1, 1), (5,))
