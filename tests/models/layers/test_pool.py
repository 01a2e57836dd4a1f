"""Pooling by brute force: values, gradients where entries are equal, and PyTorch's conventions."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.pool import average_pool, global_average_pool, global_max_pool, max_pool

CASES = {
    max_pool: Case(lambda rng: (rng.normal(size=(2, 5, 6, 3)),), options={"window": 3, "stride": 2}),
    average_pool: Case(
        lambda rng: (rng.normal(size=(2, 5, 6, 3)),), options={"window": 3, "stride": 2, "count_padding": True}
    ),
}

# size of the images, options; padding is explicit here
GEOMETRIES = [
    ((6, 4), {"window": 2}),
    ((7, 5), {"window": 2}),
    ((7, 6), {"window": (3, 2), "stride": 2, "padding": ((1, 1), (0, 1))}),
    ((5, 4), {"window": 3, "stride": 1, "padding": ((1, 1), (1, 1))}),
    ((7, 8), {"window": 2, "stride": 3}),
    ((9, 7), {"window": 5, "stride": 2, "padding": ((2, 2), (1, 0))}),
    ((7, 6), {"window": (4, 2), "stride": (1, 3), "padding": ((-1, 0), (1, -1))}),
    ((7, 6), {"window": 3, "stride": 2, "ceil_mode": True}),
    ((8, 6), {"window": 3, "stride": 2, "padding": ((1, 1), (1, 1)), "ceil_mode": True}),
    ((5, 6), {"window": 2, "stride": 3, "padding": ((1, 1), (0, 0)), "ceil_mode": True}),
    ((2, 4), {"window": 3, "ceil_mode": True}),
    ((9,), {"window": 3, "stride": 2, "padding": ((1, 0),)}),
    ((3, 4, 5), {"window": 2, "stride": (1, 2, 2)}),
]
EVERY = pytest.mark.parametrize(("space", "options"), GEOMETRIES, ids=str)


def windows_by_hand(space, *, window, stride=None, padding=None, ceil_mode=False):
    """For every position: the pixels of its window that lie in the image, row-major, and how many lie in the padding.

    PyTorch's rule of ``ceil_mode``: windows follow each other until one reaches the end of image and padding, but each
    begins before the end of the image.
    """
    rank = len(space)
    window = np.broadcast_to(window, rank)
    stride = window if stride is None else np.broadcast_to(stride, rank)
    padding = padding or [(0, 0)] * rank
    starts = []
    for n, k, s, (low, high) in zip(space, window, stride, padding, strict=True):
        end = n + high
        every = range(-low, n, s)
        starts.append([start for start in every if start + k <= end or (ceil_mode and start - s + k < end)])
    for position in product(*map(enumerate, starts)):
        place = tuple(number for number, _ in position)
        cells = list(product(*(range(start, start + k) for (_, start), k in zip(position, window, strict=True))))
        inside = [cell for cell in cells if all(0 <= c < n for c, n in zip(cell, space, strict=True))]
        counted = sum(
            all(-low <= c < n + high for c, n, (low, high) in zip(cell, space, padding, strict=True)) for cell in cells
        )
        yield place, inside, counted


def shape_of(windows):
    return tuple(np.max([place for place, *_ in windows], axis=0) + 1)


def value_and_gradient(pool, images, options):
    """Of the pooling, along a cotangent that differs in every entry."""

    def both(images):
        value, pullback = jax.vjp(lambda x: pool(x, **options), images)
        cotangent = jnp.cos(jnp.arange(value.size, dtype=value.dtype)).reshape(value.shape)
        return value, pullback(cotangent)[0], cotangent

    return jax.tree.map(np.asarray, jax.jit(both)(jnp.asarray(images)))


@EVERY
def test_maximum_and_its_gradient_by_brute_force(float64, space, options):
    """Of entries that are mostly equal: the gradient goes to the first."""
    images = np.random.default_rng(0).integers(-2, 0, (2, *space, 2)).astype(float)
    value, gradient, cotangent = value_and_gradient(max_pool, images, options)
    windows = list(windows_by_hand(space, **options))
    assert value.shape[1:-1] == shape_of(windows)
    expected, given = np.zeros_like(value), np.zeros_like(images)
    for n, c, (place, inside, _) in product(range(2), range(2), windows):
        first = max(inside, key=lambda cell: images[n, *cell, c])
        expected[n, *place, c] = images[n, *first, c]
        given[n, *first, c] += cotangent[n, *place, c]
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_allclose(gradient, given, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("count_padding", [True, False])
@EVERY
def test_average_and_its_gradient_by_brute_force(float64, space, options, count_padding):
    images = np.random.default_rng(0).normal(size=(2, *space, 2))
    value, gradient, cotangent = value_and_gradient(average_pool, images, options | {"count_padding": count_padding})
    expected, given = np.zeros_like(value), np.zeros_like(images)
    for place, inside, counted in windows_by_hand(space, **options):
        count = counted if count_padding else len(inside)
        for cell in inside:
            expected[:, *place] += images[:, *cell] / count
            given[:, *cell] += cotangent[:, *place] / count
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient, given, rtol=1e-12, atol=1e-15)


IMAGE = [[0, 1, 2, 1, 1, 2], [2, 2, 1, 2, 2, 1], [2, 2, 2, 1, 2, 0], [1, 2, 2, 1, 1, 0], [1, 1, 2, 2, 0, 2]]
# by torch 2.14.1, of IMAGE: options, the gradient of max_pool2d along 1, 2, 3, …, avg_pool2d with and without padding
PYTORCH = [
    (
        {"window": 3, "stride": 2, "padding": ((1, 1), (1, 1))},
        {(0, 2): 2, (0, 5): 3, (1, 0): 5, (1, 1): 5, (1, 3): 6, (3, 1): 15, (4, 3): 9},
        [[5 / 9, 1, 1], [11 / 9, 5 / 3, 10 / 9], [5 / 9, 10 / 9, 2 / 3]],
        [[1.25, 1.5, 1.5], [11 / 6, 5 / 3, 10 / 9], [1.25, 5 / 3, 1]],
    ),
    (
        {"window": 3, "stride": 2, "ceil_mode": True},
        {(0, 2): 3, (0, 5): 3, (2, 0): 4, (2, 2): 5, (2, 4): 6},
        [[14 / 9, 14 / 9, 4 / 3], [5 / 3, 13 / 9, 5 / 6]],
        [[14 / 9, 14 / 9, 4 / 3], [5 / 3, 13 / 9, 5 / 6]],
    ),
    (
        {"window": 2, "stride": 3, "padding": ((1, 1), (1, 1)), "ceil_mode": True},
        {(0, 0): 1, (0, 2): 2, (0, 5): 3, (2, 0): 4, (2, 2): 5, (2, 5): 6},
        [[0, 0.75, 0.5], [0.75, 1.5, 0]],
        [[0, 1.5, 2], [1.5, 1.5, 0]],
    ),
]


@pytest.mark.parametrize(("options", "given", "with_padding", "without"), PYTORCH)
def test_it_is_pytorchs(options, given, with_padding, without):
    image = jnp.asarray(IMAGE, jnp.float32)[None, ..., None]

    @jax.jit
    def all_three(image):
        largest, pullback = jax.vjp(lambda x: max_pool(x, **options), image)
        along = jnp.arange(1.0, largest.size + 1).reshape(largest.shape)
        means = [average_pool(image, count_padding=count, **options)[0, ..., 0] for count in (True, False)]
        return pullback(along)[0][0, ..., 0], *means

    expected = np.zeros((5, 6))
    for pixel, value in given.items():
        expected[pixel] = value
    for found, value in zip(all_three(image), (expected, with_padding, without), strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-6)


def test_the_gradient_on_a_constant_patch_goes_to_the_first_pixel():
    """As of PyTorch's ``max_pool2d``; ``jnp.max`` would give a quarter to each."""

    @jax.jit
    def gradients(patch):
        apart, overlapping = {"window": 2}, {"window": 3, "stride": 1, "padding": "SAME"}
        return [jax.grad(lambda x: max_pool(x, **o).sum())(patch)[0, ..., 0] for o in (apart, overlapping)]

    apart, overlapping = gradients(jnp.ones((1, 4, 4, 1)))
    np.testing.assert_array_equal(apart, np.tile([[1, 0], [0, 0]], (2, 2)))
    np.testing.assert_array_equal(overlapping, [[4, 2, 2, 0], [2, 1, 1, 0], [2, 1, 1, 0], [0, 0, 0, 0]])


def test_global_max_pooling_is_a_window_over_the_whole_image(float64):
    """Value and gradient, of entries that are mostly equal."""
    images = jnp.asarray(np.random.default_rng(0).integers(0, 2, (3, 4, 5, 2)).astype(float))
    whole = value_and_gradient(lambda x: global_max_pool(x)[:, None, None], images, {})
    jax.tree.map(np.testing.assert_array_equal, whole, value_and_gradient(max_pool, images, {"window": (4, 5)}))


def test_global_average_pooling_is_numpys_mean(float64):
    images = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    np.testing.assert_allclose(global_average_pool(jnp.asarray(images)), images.mean(axis=(1, 2)), rtol=1e-12)


def test_same_padding_gives_size_over_stride_rounded_up():
    pooled = jax.eval_shape(lambda x: max_pool(x, window=3, stride=2, padding="SAME"), jnp.zeros((1, 7, 8, 1)))
    assert pooled.shape == (1, 4, 4, 1)


def test_ceil_mode_gives_googlenets_sizes():
    """Szegedy et al. 2015, table 1: 112, 56, 28, 14, 7 by windows of 3 at stride 2 without padding."""
    sizes, images = [112], jax.ShapeDtypeStruct((1, 112, 112, 1), jnp.float32)
    for _ in range(4):
        images = jax.eval_shape(lambda x: max_pool(x, window=3, stride=2, ceil_mode=True), images)
        sizes.append(images.shape[1])
    assert sizes == [112, 56, 28, 14, 7]


def test_a_nan_is_not_lost():
    pooled = max_pool(jnp.asarray([1.0, np.nan, 2.0, 3.0]).reshape(1, 4, 1), window=2)
    np.testing.assert_array_equal(pooled[0, :, 0], [np.nan, 3.0])


def test_the_gradient_by_nan_and_by_nothing_but_infinity_goes_where_it_is_said():
    """To the last cell, and to the first, which is padding in seven of sixteen windows."""

    def gradient(image, **options):
        return jax.grad(lambda x: max_pool(x, **options).sum())(image[None, ..., None])[0, ..., 0]

    by_nan = gradient(jnp.asarray([[1, jnp.nan], [3, 2]]), window=2)
    np.testing.assert_array_equal(by_nan, [[0, 0], [0, 1]])
    by_infinity = gradient(jnp.full((3, 3), -jnp.inf), window=2, stride=1, padding=((1, 1), (1, 1)))
    np.testing.assert_array_equal(by_infinity, np.ones((3, 3)))


@pytest.mark.parametrize("pool", [max_pool, global_max_pool, global_average_pool])
@pytest.mark.parametrize("images", [(0, 4, 4, 3), (2, 4, 4, 0)])
def test_of_no_images_or_channels_there_is_no_maximum_and_no_mean(pool, images):
    options = {"window": 2} if pool is max_pool else {}
    value, pullback = jax.vjp(lambda x: pool(x, **options), jnp.zeros(images))
    assert value.shape == (images[0], *((2, 2) if pool is max_pool else ()), images[-1])
    assert pullback(value)[0].shape == images


def test_inside_scan_it_has_the_bits_outside():
    images = jnp.asarray(np.random.default_rng(0).normal(size=(3, 2, 7, 6, 2)), jnp.float32)

    def gradient(x):
        return jax.value_and_grad(lambda x: jnp.sum(max_pool(x, window=3, stride=2, padding="SAME") ** 2))(x)

    inside = jax.jit(lambda x: jax.lax.scan(lambda carry, one: (carry, gradient(one)), None, x)[1])(images)
    outside = [jax.jit(gradient)(one) for one in images]
    np.testing.assert_array_equal(inside[1], np.stack([one[1] for one in outside]))


@pytest.mark.parametrize("pool", [max_pool, lambda x, **o: average_pool(x, count_padding=True, **o)])
def test_windows_that_see_no_pixel_or_do_not_fit_are_refused_with_the_shapes(pool):
    with pytest.raises(ValueError, match=r"\(2, 2\) sees nothing but padding .*\(1, 4, 4, 1\)"):
        pool(jnp.ones((1, 4, 4, 1)), window=2, padding=((2, 0), (0, 0)))
    with pytest.raises(ValueError, match=r"\(5, 5\) does not fit images of size \(4, 4\)"):
        pool(jnp.ones((1, 4, 4, 1)), window=5)
    with pytest.raises(ValueError, match=r"padding must be \(low, high\) for each axis of \(4, 4\)"):
        pool(jnp.ones((1, 4, 4, 1)), window=2, padding=((0, 0),))
