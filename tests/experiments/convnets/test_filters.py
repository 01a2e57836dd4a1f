"""What lessons say can be learnt at best, by brute force; that it is learnt; what pictures of layers show."""

from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from trained import measured, trained

from experiments.convnets.filters.experiment import FiltersSettings, distance
from experiments.convnets.filters.lessons import (
    BLUR,
    EDGES,
    FULL,
    LESSONS,
    MEAN_OF_FOUR,
    PRODUCT,
    SIZE,
    VARIANCE_OF_FOUR,
    products,
)
from experiments.convnets.filters.pictures import LAYERS, SMALL, picture, seen
from experiments.run.settings import configure
from models.layers.sparse import convolution_matrix

LINEAR = [name for name in LESSONS if not name.startswith("separable") and name != "strided_of_max"]


def matrix_of(apply):
    """Columns are the outputs of images with one pixel."""
    pixels = jnp.eye(SIZE * SIZE * 3).reshape(-1, SIZE, SIZE, 3)
    return np.asarray(jax.jit(apply)(pixels), np.float64).reshape(len(pixels), -1).T


@pytest.mark.parametrize("name", LINEAR)
def test_the_best_kernel_is_the_nearest_matrix_of_its_kind(name):
    """The expected squared error of white noise is the squared distance of the matrices, here by least squares."""
    lesson = LESSONS[name]
    target = matrix_of(lesson.filter).ravel()
    (shape,) = lesson.shapes.values()
    units = jnp.eye(prod(shape)).reshape(-1, *shape)

    def responses(pixels):
        return jax.vmap(lambda kernel: lesson.layer({"kernel": kernel}, pixels))(units)

    pixels = jnp.eye(SIZE * SIZE * 3).reshape(-1, SIZE, SIZE, 3)
    columns = np.asarray(jax.jit(responses)(pixels), np.float64).reshape(len(units), len(pixels), -1)
    columns = columns.transpose(2, 1, 0).reshape(-1, len(units))
    kernel, *_ = np.linalg.lstsq(columns, target)
    outputs = len(target) // len(pixels)
    np.testing.assert_allclose(kernel.reshape(lesson.best.shape), lesson.best, atol=1e-6)
    np.testing.assert_allclose(((columns @ kernel - target) ** 2).sum() / outputs, lesson.least_error, atol=1e-6)


def test_the_moments_of_the_largest_of_four_normal_numbers():
    """By quadrature; and that the maximum's covariance with each of them is a quarter."""
    density = lambda m: 4 * norm.pdf(m) * norm.cdf(m) ** 3  # noqa: E731
    mean = quad(lambda m: m * density(m), -9, 9)[0]
    assert mean == pytest.approx(MEAN_OF_FOUR, rel=1e-9)
    assert quad(lambda m: (m - mean) ** 2 * density(m), -9, 9)[0] == pytest.approx(VARIANCE_OF_FOUR, rel=1e-9)
    x, y = np.meshgrid(*[np.linspace(-7, 7, 701)] * 2)
    of_three = 3 * norm.pdf(y) * norm.cdf(y) ** 2
    assert (x * np.maximum(x, y) * norm.pdf(x) * of_three).sum() * 0.02**2 == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize(("kernel", "least"), [(PRODUCT, 0.0), (FULL, LESSONS["separable_of_full"].least_error)])
def test_no_product_of_kernels_is_nearer(kernel, least):
    """Alternating least squares from a random product ends there too."""
    nearest, left_over = products(kernel)
    rows = kernel.reshape(9, 3, 4).astype(np.float64)
    mixing = np.random.default_rng(0).normal(size=(3, 4))
    for _ in range(400):
        depthwise = np.einsum("kco,co->kc", rows, mixing) / (mixing**2).sum(axis=1)
        mixing = np.einsum("kco,kc->co", rows, depthwise) / (depthwise**2).sum(axis=0)[:, None]
    found = ((rows - depthwise[..., None] * mixing) ** 2).sum() / 4
    assert left_over == pytest.approx(least, abs=1e-9)
    assert found == pytest.approx(left_over, abs=1e-6)
    assert ((kernel - nearest) ** 2).sum() / 4 == pytest.approx(left_over, abs=1e-6)


def test_layers_become_the_best_of_their_kind():
    run, params = trained("filters", configure(FiltersSettings(), steps=250, seed=1))
    found = measured(run, params)
    for name, lesson in LESSONS.items():
        assert distance(lesson, jax.tree.map(lambda leaf: leaf[0], params[name])) < 0.03, name
        assert found[f"{name}/error"] == pytest.approx(lesson.least_error, rel=0.05, abs=1e-3), name
        parameters = sum(leaf[0].size for leaf in jax.tree.leaves(params[name]))
        assert found[f"{name}/parameters"] == lesson.cost.parameters == parameters


@pytest.fixture(scope="module")
def shown():
    return seen(picture())


@pytest.mark.parametrize(
    ("name", "kernel", "options"),
    [
        ("blur", BLUR, {}),
        ("edges", EDGES, {}),
        ("stride 2", BLUR, {"stride": 2}),
        ("dilation 2", EDGES, {"dilation": 2}),
    ],
)
def test_the_drawn_matrix_is_the_convolutions(shown, name, kernel, options):
    expected = convolution_matrix(jnp.asarray(kernel), (SMALL, SMALL), **options)
    np.testing.assert_allclose(shown[name].matrix, expected, atol=1e-6)


def test_the_drawn_transposed_layer_is_the_adjoint(shown):
    """Its matrix, of 4 × 4 pixels, is the transpose of that of stride 2 with the same padding."""
    whole = convolution_matrix(4 * jnp.asarray(BLUR), (2 * SMALL, 2 * SMALL), stride=2, padding=((1, 1), (1, 1)))
    np.testing.assert_allclose(shown["transposed"].matrix, whole.T, atol=1e-6)


def test_products_are_counted_as_entries_of_the_matrix(shown):
    """Where nothing is padded or cut, and no weight of the kernel is 0."""
    for name in ("blur", "stride 2", "mean pooling"):
        output = shown[name].matrix
        side = round(len(output) ** 0.5)
        cost = LAYERS[name].cost((SMALL, SMALL), (side, side), 1)
        assert cost.multiply_adds == np.count_nonzero(output), name


def test_max_pooling_hands_every_output_back_to_one_pixel(shown):
    assert shown["max pooling"].matrix.sum(axis=1).tolist() == [1.0] * 16
    assert np.count_nonzero(shown["max pooling"].matrix) == 16
    np.testing.assert_allclose(shown["max pooling"].back.sum(), shown["max pooling"].output.sum(), rtol=1e-5)
