"""The transposed convolution against the adjoint identity, painting by hand, matrices, and PyTorch's numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from jax.test_util import check_grads

from models.layers.conv import convolve
from models.layers.conv_adjoint import adjoint_kernel
from models.layers.sparse import convolution_matrix
from models.layers.transposed_conv import convolve_transposed, transposed_he_normal

CASES = {
    convolve_transposed: Case(
        lambda rng: (rng.normal(size=(2, 3, 4, 4)), rng.normal(size=(3, 2, 3, 4))), options={"stride": 2}
    ),
}

# size of the images, shape of the kernel (window, channels, features), options
GEOMETRIES = [
    ((7,), (3, 2, 4), {"stride": 2}),
    ((8,), (3, 2, 4), {"stride": 2, "output_padding": 1}),
    ((6, 5), (3, 2, 2, 3), {}),
    ((8, 9), (3, 3, 2, 4), {"stride": 2, "padding": ((1, 1), (1, 1)), "output_padding": (1, 0)}),
    ((10, 10), (2, 3, 1, 4), {"stride": (3, 2), "padding": ((0, 2), (-1, 0)), "output_padding": (1, 0)}),
    ((7, 9), (3, 2, 2, 3), {"dilation": (2, 3), "padding": ((1, 2), (0, 1))}),
    ((7, 9), (3, 2, 2, 6), {"groups": 3, "stride": 2, "output_padding": (0, 1)}),
    ((4, 5, 6), (2, 2, 2, 1, 2), {"stride": 2, "output_padding": (0, 1, 0)}),
    ((6, 6), (2, 3, 2, 4), {"stride": (2, 3)}),
    ((4, 6, 2), (2, 3, 1, 2, 3), {"stride": (2, 3, 1)}),
    ((4, 4), (2, 2, 2, 3), {"stride": 2, "padding": ((1, -1), (0, 0))}),
    ((5, 4), (2, 2, 2, 3), {"stride": 2, "output_padding": (1, 0)}),
    ((11, 9), (5, 4, 2, 3), {"stride": (2, 1), "padding": ((2, 2), (3, 0))}),
    ((9, 10), (2, 3, 2, 3), {"stride": (3, 4), "output_padding": (1, 3)}),
    ((16, 16), (8, 8, 2, 2), {"stride": 4, "padding": ((2, 2), (2, 2))}),
]
EVERY = pytest.mark.parametrize(("space", "kernel_shape", "options"), GEOMETRIES, ids=str)


def normal(*shape):
    return jnp.asarray(np.random.default_rng(shape).normal(size=shape))


def forward_options(options):
    rest = {name: value for name, value in options.items() if name != "output_padding"}
    return rest if "padding" in rest else rest | {"padding": "VALID"}


@EVERY
def test_it_is_the_adjoint(float64, space, kernel_shape, options):
    """⟨Ax, y⟩ = ⟨x, Aᵀy⟩, and it has the size of x."""
    images, kernel = normal(2, *space, kernel_shape[-2] * options.get("groups", 1)), normal(*kernel_shape)
    convolved = jax.jit(lambda x, w: convolve(x, w, **forward_options(options)))(images, kernel)
    maps = normal(*convolved.shape)
    back = jax.jit(lambda y, w: convolve_transposed(y, w, **options))(maps, kernel)
    assert back.shape == images.shape
    np.testing.assert_allclose(np.vdot(convolved, maps), np.vdot(images, back), rtol=1e-12)


@pytest.mark.parametrize("output_padding", [0, 1])
def test_every_entry_paints_the_window(float64, output_padding):
    """PyTorch's definition, one entry at a time: stride 2, padding 1, window 3, then as many rows behind."""
    maps, kernel = normal(1, 3, 4, 2), normal(3, 3, 5, 2)
    painted = np.zeros((1, 7 + output_padding, 9 + output_padding, 5))
    for i, j in np.ndindex(3, 4):
        painted[0, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.einsum("klco,o->klc", kernel, maps[0, i, j])
    expected = painted[:, 1 : 6 + output_padding, 1 : 8 + output_padding]
    options = {"stride": 2, "padding": ((1, 1), (1, 1)), "output_padding": output_padding}
    np.testing.assert_allclose(convolve_transposed(maps, kernel, **options), expected, rtol=1e-12)


def test_it_is_pytorchs():
    """torch 2.14.1: conv_transpose2d(x, w, stride=(2, 3), padding=(1, 0), output_padding=(1, 2)), in integers."""
    x = np.asarray([[[[2, 1], [0, -2], [-1, -3]], [[-3, -3], [-2, 2], [1, 3]]]], np.float32)  # N C H W
    w = np.asarray(
        [
            [[[0, 1], [2, 1], [1, 0]], [[0, 2], [-1, 2], [1, -2]], [[-1, 2], [0, -2], [1, 1]]],
            [[[2, -2], [-2, 2], [-2, 0]], [[-2, -1], [0, 0], [0, -2]], [[-2, -2], [-2, 1], [0, 1]]],
        ],
        np.float32,
    )  # in, out, height, width
    first_feature = [
        [10, -4, 0, 8, -5, 0, 0],
        [4, 4, 0, 11, -6, 0, 0],
        [4, -4, 0, -8, 2, 0, 0],
        [6, -3, 0, 0, -9, 0, 0],
        [-4, 1, 0, -12, 3, 0, 0],
        [-3, 0, 0, -9, 0, 0, 0],
    ]
    last_row = [[-3, 0, 0, -9, 0, 0, 0], [-1, 0, 0, -3, 0, 0, 0], [-1, 0, 0, -3, 0, 0, 0]]
    maps, kernel = jnp.asarray(x.transpose(0, 2, 3, 1)), jnp.asarray(w.transpose(2, 3, 1, 0))
    found = convolve_transposed(maps, kernel, stride=(2, 3), padding=((1, 1), (0, 0)), output_padding=(1, 2))
    assert found.shape == (1, 6, 7, 3)
    np.testing.assert_array_equal(found[0, ..., 0], first_feature)
    np.testing.assert_array_equal(found[0, -1].T, last_row)


def test_its_matrix_is_the_transpose(float64):
    maps, kernel = normal(1, 3, 3, 4), normal(3, 3, 2, 4)
    matrix = np.asarray(convolution_matrix(kernel, (6, 5), stride=2, padding=((1, 0), (1, 1))))
    back = convolve_transposed(maps, kernel, stride=2, padding=((1, 0), (1, 1)))
    np.testing.assert_allclose(np.ravel(back), matrix.T @ np.ravel(maps), rtol=1e-12)


def test_gradients_are_finite_differences(float64):
    def transposed(maps, kernel):
        return convolve_transposed(maps, kernel, stride=2, padding=((1, 0),), output_padding=1)

    check_grads(jax.jit(transposed), (normal(1, 4, 2), normal(3, 2, 2)), order=2, modes=["rev"])


def test_on_an_accelerator_xla_leaves_the_zeros_out():
    """The stride is said to XLA, and there is no array with zeros between the maps."""
    maps, kernel = jnp.ones((2, 5, 6, 4)), jnp.ones((4, 4, 3, 4))
    traced = jax.jit(lambda y, w: convolve_transposed(y, w, stride=2)).trace(maps, kernel)
    program = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "lhs_dilate = [2, 2]" in program
    assert "stablehlo.pad" not in program


def test_the_adjoint_kernel_twice_is_the_kernel():
    kernel = normal(3, 2, 4, 6)
    for groups in (1, 2):
        twice = adjoint_kernel(adjoint_kernel(kernel, groups=groups), groups=groups)
        np.testing.assert_array_equal(twice, kernel)


@pytest.mark.parametrize(("maps", "kernel"), [((0, 3, 4), (2, 5, 4)), ((2, 3, 0), (2, 5, 0)), ((2, 3, 4), (2, 0, 4))])
def test_of_nothing_there_are_zeros_and_gradients(maps, kernel):
    operands = jnp.ones(maps), jnp.ones(kernel)
    value, pullback = jax.vjp(lambda y, w: convolve_transposed(y, w, stride=2), *operands)
    np.testing.assert_array_equal(value, np.zeros((maps[0], 6, kernel[1])))
    np.testing.assert_array_equal(pullback(value)[0], np.zeros(maps))
    np.testing.assert_array_equal(pullback(value)[1], np.zeros(kernel))


def test_maps_that_no_convolution_makes_are_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"no convolution makes \(1, 3, 2\) of size 9 with stride=\(2,\)"):
        convolve_transposed(jnp.ones((1, 3, 2)), jnp.ones((3, 1, 2)), stride=2, output_padding=2)


@pytest.mark.parametrize(
    ("inputs", "outputs", "stride", "window", "padding"),
    [(64, 1, 2, 4, 1), (8, 16, 2, 4, 1), (12, 6, 2, 2, 0), (9, 3, 3, 3, 0), (12, 6, 1, 3, 1)],
)
def test_rectified_maps_keep_their_size(inputs, outputs, stride, window, padding):
    """Rectified normals become values of mean square 1, over many kernels; by the layout of its axes 16, 1/8, 2 …"""

    def values(key):
        of_kernel, of_maps = jax.random.split(key)
        kernel = transposed_he_normal(stride)(of_kernel, (window, window, outputs, inputs))
        maps = jax.nn.relu(jax.random.normal(of_maps, (1, 6, 6, inputs)))
        return convolve_transposed(maps, kernel, stride=stride, padding=((padding, padding),) * 2)[0, 1:-1, 1:-1]

    found = jax.jit(jax.vmap(values))(jax.random.split(jax.random.key(0), 100))
    np.testing.assert_allclose(jnp.mean(found**2), 1, rtol=0.1)
