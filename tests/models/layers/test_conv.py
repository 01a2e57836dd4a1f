"""Convolution against SciPy, against lax and its autodiff, and in every position that a network puts it."""

import re
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from cases import Case
from flax import linen as nn
from jax import lax
from jax.test_util import check_grads

from models.layers import conv_products
from models.layers.conv import convolve, flax_convolution

CASES = {
    convolve: Case(lambda rng: (rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(3, 2, 3, 4)))),
    flax_convolution: Case(lambda rng: (rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(3, 2, 3, 4)), (1, 1), "SAME")),
}

QUICK_TO_COMPILE = {"xla_backend_optimization_level": 0}  # most of the time here; the sums are the same
LAYOUT = {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def close(actual, expected, tolerance=1e-10):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), actual, expected)


def normal(*shape):
    return jnp.asarray(np.random.default_rng(sum(shape)).normal(size=shape))


def integers(*shape):
    return jnp.asarray(np.random.default_rng(sum(shape)).integers(-3, 4, shape), jnp.float32)


def by_lax(images, kernel, *, stride=1, padding="VALID", dilation=1, groups=1):
    rank = images.ndim - 2
    return lax.conv_general_dilated(
        images,
        kernel,
        np.broadcast_to(stride, rank),
        padding,
        rhs_dilation=np.broadcast_to(dilation, rank),
        dimension_numbers=LAYOUT[rank],
        feature_group_count=groups,
    )


def value_and_gradients(convolution, images, kernel):
    """The result, and both gradients along a cotangent that differs in every entry."""
    value, pullback = jax.vjp(convolution, images, kernel)
    return value, *pullback(jnp.sin(jnp.arange(value.size, dtype=value.dtype)).reshape(value.shape))


def assert_like_lax(images, kernel, **options):
    def both(images, kernel):
        return [value_and_gradients(lambda x, w: f(x, w, **options), images, kernel) for f in (convolve, by_lax)]

    close(*jax.jit(both, compiler_options=QUICK_TO_COMPILE)(images, kernel))


@pytest.mark.parametrize("wide_vectors", [True, False])
@pytest.mark.parametrize(("side", "rows_are_added"), [(8, {True: False, False: True}), (9, {True: True, False: True})])
def test_low_images_get_rows_where_the_processors_vectors_are_narrow(monkeypatch, wide_vectors, side, rows_are_added):
    monkeypatch.setattr(conv_products, "WIDE_VECTORS", wide_vectors)
    images, kernel = (normal(*shape).astype(jnp.float32) for shape in ((2, side, side, 32), (3, 3, 32, 32)))
    options = {"padding": "SAME"}
    lowered = jax.jit(partial(convolve, **options)).lower(images, kernel)
    assert (f"2x{side + 1}x{side}x32" in lowered.as_text()) == rows_are_added[wide_vectors]
    found = lowered.compile(QUICK_TO_COMPILE)(images, kernel)
    close(found, by_lax(images, kernel, **options), 1e-4)  # 288 products in float32, in another order


@pytest.mark.parametrize(("size", "window"), [((9,), (4,)), ((7, 6), (3, 2)), ((4, 5, 6), (2, 3, 1))])
def test_is_scipys_correlation_summed_over_channels(float64, size, window):
    images, kernel = normal(2, *size, 3), normal(*window, 3, 2)
    expected = [
        [sum(scipy.signal.correlate(x[..., c], kernel[..., c, o], "valid") for c in range(3)) for o in range(2)]
        for x in np.asarray(images)
    ]
    close(convolve(images, kernel), np.moveaxis(expected, 1, -1), 1e-12)


def test_is_the_docstrings_sum(float64):
    """Stride, padding and dilation together, one position at a time."""
    images, kernel = np.asarray(normal(1, 8, 2)), np.asarray(normal(3, 2, 2))
    expected = np.zeros((1, 4, 2))
    for i, k in product(range(4), range(3)):
        if 0 <= (position := 3 * i + 2 * k - 1) < 8:
            expected[0, i] += images[0, position] @ kernel[k]
    close(convolve(jnp.asarray(images), jnp.asarray(kernel), stride=3, padding=[(1, 5)], dilation=2), expected, 1e-12)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("padding", ["VALID", "SAME", ((1, 2), (0, 3))], ids=str)
@pytest.mark.parametrize(
    ("stride", "window", "dilation"),
    [(1, (3, 2), 1), (1, (2, 3), (2, 1)), ((2, 3), (2, 3), 1), ((3, 2), (1, 4), (1, 2)), ((1, 2), (1, 1), 1)],
)
def test_value_and_gradients_are_those_of_lax(float64, stride, window, padding, dilation, groups):
    images, kernel = normal(2, 7, 8, 4), normal(*window, 4 // groups, 8)
    assert_like_lax(images, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)


@pytest.mark.parametrize(
    "options",
    [
        {"padding": ((4, 5), (3, 6))},
        {"padding": ((-1, -2), (2, -3))},
        {"padding": ((0, 0), (0, 0)), "stride": 5},
        {"padding": "SAME_LOWER", "stride": 2},
        {"padding": "SAME", "dilation": 3, "stride": 2, "groups": 2},
    ],
    ids=["wider than the kernel", "cropping", "pixels unseen", "same, low first", "everything"],
)
def test_unusual_geometries_are_those_of_lax(float64, options):
    assert_like_lax(normal(2, 7, 8, 4), normal(3, 2, 4 // options.get("groups", 1), 6), **options)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("rank", [1, 3])
def test_value_and_gradients_are_those_of_lax_in_one_and_three_dimensions(float64, rank, groups):
    images, kernel = normal(2, *(7, 5, 6)[:rank], 3), normal(*(3, 2, 4)[:rank], 3 // groups, 6)
    padding = ((2, 1), (0, 2), (1, 1))[:rank]
    assert_like_lax(images, kernel, stride=2, padding=padding, groups=groups)


@pytest.mark.parametrize(
    ("images", "kernel", "options"),
    [
        ((0, 8, 8, 1), (3, 3, 1, 8), {}),
        ((0, 16, 16, 32), (3, 3, 32, 32), {"padding": "SAME"}),
        ((0, 7, 8, 4), (3, 2, 2, 8), {"stride": 2, "groups": 2}),
        ((2, 7, 8, 3), (3, 2, 3, 0), {}),
        ((2, 7, 8, 0), (3, 2, 0, 4), {"dilation": 2}),
        ((2, 0, 8, 3), (3, 2, 3, 4), {"padding": ((2, 2), (0, 0))}),
    ],
    ids=str,
)
def test_of_nothing_value_and_gradients_are_those_of_lax(images, kernel, options):
    assert_like_lax(jnp.ones(images), jnp.ones(kernel), **options)


def test_dilation_is_zeros_between_the_weights(float64):
    """Of an explicitly zero-stuffed kernel; Lecture 003, section 3.7."""
    images, kernel = normal(2, 9, 10, 2), normal(3, 2, 2, 3)
    stuffed = np.zeros((5, 4, 2, 3))
    stuffed[::2, ::3] = kernel
    options = {"stride": (1, 2), "padding": ((1, 2), (0, 1))}
    expected = by_lax(images, jnp.asarray(stuffed), **options)
    close(convolve(images, kernel, dilation=(2, 3), **options), expected, 1e-12)


def test_four_spatial_dimensions_are_scipys_correlation(float64):
    images, kernel = normal(1, 3, 4, 3, 2, 1), normal(2, 3, 1, 2, 1, 1)
    expected = scipy.signal.correlate(np.asarray(images)[0, ..., 0], np.asarray(kernel)[..., 0, 0], "valid")
    close(convolve(images, kernel)[0, ..., 0], expected, 1e-12)


@pytest.mark.parametrize("padding", ["SAME", "VALID", ((2, 0), (0, 1)), ((3, 2), (-1, 2))], ids=str)
@pytest.mark.parametrize("channels", [(16, 16), (17, 3), (2, 18)], ids=str)
def test_every_product_for_a_cpu_is_that_of_lax(channels, padding):
    """In the type and with the channels and features that choose them; the sums are of integers, so they are exact."""
    rng = np.random.default_rng(0)
    images, kernel = (
        jnp.asarray(rng.integers(-3, 4, shape), jnp.float32) for shape in ((2, 10, 8, channels[0]), (3, 2, *channels))
    )
    cotangent = jnp.asarray(rng.integers(-3, 4, by_lax(images, kernel, padding=padding).shape), jnp.float32)

    def both(images, kernel, cotangent):
        results = []
        for convolution in (convolve, by_lax):
            value, pullback = jax.vjp(lambda x, w: convolution(x, w, padding=padding), images, kernel)
            results.append((value, *pullback(cotangent)))
        return results

    jax.tree.map(
        np.testing.assert_array_equal, *jax.jit(both, compiler_options=QUICK_TO_COMPILE)(images, kernel, cotangent)
    )


@pytest.mark.parametrize("images", [1, 3, 4])
@pytest.mark.parametrize(
    "options", [{}, {"stride": (2, 1), "padding": "SAME"}, {"dilation": 2, "padding": ((3, 0), (-1, 2))}]
)
def test_few_terms_are_summed_one_by_one(images, options):
    """Of integers, so the sums are exact."""
    rng = np.random.default_rng(0)
    images, kernel = (
        jnp.asarray(rng.integers(-3, 4, shape), jnp.float32) for shape in ((images, 17, 16, 3), (3, 2, 3, 16))
    )
    program = jax.jit(partial(convolve, **options)).lower(images, kernel)
    assert "stablehlo.convolution" not in program.as_text()
    expected = by_lax(images, kernel, **options)
    np.testing.assert_array_equal(program.compile(QUICK_TO_COMPILE)(images, kernel), expected)


@pytest.mark.parametrize("images", [3, 8])
@pytest.mark.parametrize("features", [1, 4])
def test_few_features_are_sums_of_planes(monkeypatch, images, features):
    """Of integers, so the sums are exact; eight images fall into blocks."""
    rng = np.random.default_rng(0)
    shapes = (images, 17, 16, 8), (3, 2, 8, features)
    images, kernel = (jnp.asarray(rng.integers(-3, 4, shape), jnp.float32) for shape in shapes)
    monkeypatch.setattr(conv_products, "MOST_ENTRIES", 2 * 17 * 16 * 6 * features)
    options = {"padding": ((3, 0), (-1, 2))}
    program = jax.jit(partial(convolve, **options)).lower(images, kernel)
    assert "stablehlo.convolution" not in program.as_text()
    assert ("stablehlo.while" in program.as_text()) == (len(images) == 8)
    found = program.compile(QUICK_TO_COMPILE)(images, kernel)
    np.testing.assert_array_equal(found, by_lax(images, kernel, **options))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((3, 2, 3, 17), {}),
        ((3, 3, 4, 16), {}),
        ((3, 3, 8, 5), {}),
        ((3, 3, 33, 4), {}),
        ((6, 5, 8, 1), {}),
        ((3, 3, 8, 4), {"stride": 2}),
        ((3, 3, 3, 16), {"side": 15}),
        ((3, 3, 8, 4), {"side": 15}),
    ],
    ids=["features", "terms", "five features", "channels", "a wide window", "strided", "low, terms", "low, features"],
)
def test_more_terms_features_or_places_and_low_images_are_a_convolution(shape, options):
    options = dict(options)
    side = options.pop("side", 16)
    images, kernel = (jnp.zeros(each, jnp.float32) for each in ((2, side, side, shape[2]), shape))
    assert "stablehlo.convolution" in jax.jit(partial(convolve, **options)).lower(images, kernel).as_text()


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "is_product"),
    [
        ((9, 8), (1, 1, 3, 5), (2, 3), True),
        ((8, 6), (2, 3, 16, 5), (2, 3), True),
        ((9, 7), (2, 3, 16, 5), (2, 3), True),
        ((9,), (3, 16, 5), (3,), True),
        ((8, 6), (2, 3, 15, 5), (2, 3), False),
        ((8, 6), (2, 2, 16, 5), (2, 3), False),
    ],
    ids=["one pixel", "tiling", "a rest", "one axis", "few channels", "gaps"],
)
def test_windows_that_stand_apart_are_rows_of_one_product(size, kernel, stride, is_product):
    """Of integers, so the sums are exact."""
    operands = integers(2, *size, kernel[-2]), integers(*kernel)
    program = jax.jit(partial(convolve, stride=stride)).lower(*operands)
    assert ("stablehlo.convolution" not in program.as_text()) == is_product
    np.testing.assert_array_equal(program.compile(QUICK_TO_COMPILE)(*operands), by_lax(*operands, stride=stride))


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(
    ("size", "window", "options"),
    [
        ((9, 8), (3, 2), {"stride": 2, "padding": "SAME"}),
        ((9, 8), (4, 5), {"stride": (2, 3), "padding": ((1, 2), (-1, 4))}),
        ((9, 8), (2, 2), {"stride": (1, 3)}),
        ((9, 8), (1, 1), {"stride": 2}),
        ((11,), (4,), {"stride": 3, "padding": ((3, 0),)}),
        ((5, 4, 6), (2, 3, 2), {"stride": 2, "padding": "SAME"}),
    ],
    ids=["same", "cropped", "one way", "one pixel", "one axis", "three axes"],
)
def test_the_image_gradient_of_a_strided_convolution_adds_tiles(batch, size, window, options):
    """Of integers, so the sums are exact; an even number of images is computed in two blocks where windows overlap."""
    images, kernel = integers(batch, *size, 3), integers(*window, 3, 5)
    cotangent = integers(*by_lax(images, kernel, **options).shape)

    def gradient(convolution, cotangent):
        return jax.vjp(lambda x: convolution(x, kernel, **options), images)[1](cotangent)[0]

    program = jax.jit(partial(gradient, convolve)).lower(cotangent)
    overlap = any(k > s for k, s in zip(window, np.broadcast_to(options["stride"], len(window)), strict=True))
    assert ("stablehlo.while" in program.as_text()) == (batch == 4 and overlap)
    compiled = program.compile(QUICK_TO_COMPILE)
    assert " convolution(" not in compiled.as_text()
    np.testing.assert_array_equal(compiled(cotangent), gradient(by_lax, cotangent))


@pytest.mark.parametrize("images", [2, 8])
@pytest.mark.parametrize("padding", ["VALID", "SAME", ((4, 5), (6, 4)), ((3, -1), (-2, 1))], ids=str)
def test_few_features_of_a_wide_window_are_sums_of_its_columns(monkeypatch, images, padding):
    """Of integers, so the sums are exact; eight images fall into four blocks."""
    monkeypatch.setattr(conv_products, "MOST_ENTRIES", 2 * 9 * 10 * 16 * 5)
    operands = integers(images, 9, 10, 16), integers(5, 6, 16, 20)
    program = jax.jit(partial(convolve, padding=padding)).lower(*operands)
    assert "stablehlo.convolution" not in program.as_text()
    assert f"{max(2, images // 2)}x{images // max(2, images // 2)}x9x10x16" in program.as_text()
    found = program.compile(QUICK_TO_COMPILE)(*operands)
    np.testing.assert_array_equal(found, by_lax(*operands, padding=padding))


@pytest.mark.parametrize(
    ("images", "kernel", "options"),
    [
        (3, (5, 5, 16, 20), {}),
        (2, (5, 4, 16, 20), {}),
        (2, (4, 5, 16, 20), {}),
        (2, (5, 5, 15, 20), {}),
        (2, (5, 5, 16, 21), {}),
        (2, (5, 5, 16, 20), {"stride": 2}),
        (2, (5, 5, 16, 20), {"dilation": 2}),
        (2, (5, 5, 8, 20), {"groups": 2}),
    ],
    ids=["an odd number", "narrow", "low", "few channels", "many features", "strided", "dilated", "grouped"],
)
def test_no_other_convolution_is_a_sum_of_columns(images, kernel, options):
    operands = integers(images, 12, 12, kernel[2] * options.get("groups", 1)), integers(*kernel)
    assert "stablehlo.convolution" in jax.jit(partial(convolve, **options)).lower(*operands).as_text()


@pytest.mark.parametrize(
    ("size", "window", "options"),
    [
        ((9, 10), (5, 5), {"padding": "SAME"}),
        ((9, 10), (3, 7), {"padding": ((1, 0), (4, 2))}),
        ((12, 14), (2, 5), {"padding": ((0, 2), (-1, -1)), "stride": (2, 1), "dilation": (3, 1)}),
        ((16,), (8,), {"padding": ((7, 0),)}),
        ((3, 4, 6), (2, 1, 5), {"padding": "SAME"}),
    ],
    ids=["square", "oblong", "strided downwards", "one axis", "three axes"],
)
def test_the_gradient_by_a_wide_kernel_takes_columns_in_pairs(size, window, options):
    """Of integers, so the sums are exact."""
    images, kernel = integers(4, *size, 3), integers(*window, 3, 5)
    cotangent = integers(*by_lax(images, kernel, **options).shape)

    def gradient(convolution, kernel):
        return jax.vjp(lambda w: convolution(images, w, **options), kernel)[1](cotangent)[0]

    program = jax.jit(partial(gradient, convolve)).lower(kernel)
    wide = [*window[:-1], window[-1] + 1]
    assert f"tensor<10x{np.prod(wide) * 3}xf32>" in program.as_text()
    np.testing.assert_array_equal(program.compile(QUICK_TO_COMPILE)(kernel), gradient(by_lax, kernel))


@pytest.mark.parametrize(("images", "columns"), [(3, 10), (4, 9)])
def test_an_odd_number_of_images_or_columns_is_not_paired(images, columns):
    images, kernel = integers(images, 9, columns, 3), integers(5, 5, 3, 5)
    gradient = jax.grad(lambda w, convolution: convolution(images, w, padding="SAME").sum())
    assert "tensor<10x" not in jax.jit(gradient, static_argnums=1).lower(kernel, convolve).as_text()
    np.testing.assert_array_equal(gradient(kernel, convolve), gradient(kernel, by_lax))


def test_large_batches_are_multiplied_in_blocks(float64):
    images, kernel = normal(4, 64, 64, 16), normal(3, 3, 16, 5)
    assert conv_products.MOST_ENTRIES < 4 * 64 * 64 * 9 * 16
    for options in ({}, {"stride": 2, "padding": "SAME"}):
        gradient = jax.jit(jax.grad(lambda w: convolve(images, w, **options).sum()))
        program = gradient.lower(kernel).compile(QUICK_TO_COMPILE).as_text()
        assert ("while(" in program) == (not options)
        assert_like_lax(images, kernel, **options)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((1, 1, 4, 5), {}),
        ((2, 2, 16, 3), {"stride": 2}),
        ((3, 2, 3, 4), {}),
        ((3, 2, 8, 4), {}),
        ((3, 3, 32, 17), {"padding": "SAME"}),
        ((3, 2, 20, 20), {"stride": 2}),
        ((3, 2, 2, 4), {"groups": 2}),
        ((5, 5, 16, 20), {}),
    ],
    ids=["one pixel", "side by side", "few terms", "few features", "rows added", "strided", "grouped", "a wide window"],
)
def test_a_number_of_images_that_is_known_only_when_it_runs(shape, options):
    """As in a program that is exported for any batch: value and gradients are those of the batch."""
    kernel = normal(*shape).astype(jnp.float32)
    images = normal(4, 17, 17, shape[2] * options.get("groups", 1)).astype(jnp.float32)
    function = jax.jit(lambda x, w: value_and_gradients(lambda x, w: convolve(x, w, **options), x, w))
    unknown = jax.ShapeDtypeStruct((jax.export.symbolic_shape("batch")[0], *images.shape[1:]), images.dtype)
    exported = jax.export.export(function, platforms=["cpu"])(unknown, kernel)
    close(exported.call(images, kernel), function(images, kernel), 1e-4)  # in float32; blocks sum in another order


@pytest.mark.parametrize(
    "options", [{"dilation": (1, 2), "groups": 2}, {}], ids=["dilated and grouped", "as products alone"]
)
def test_gradients_to_second_order_are_finite_differences(float64, options):
    convolution = jax.jit(partial(convolve, stride=2, padding="SAME", **options))
    kernel = normal(3, 2, 2 // options.get("groups", 1), 2)
    check_grads(convolution, (normal(2, 5, 6, 2), kernel), order=2, modes=["rev"])


def test_vmap_over_kernels_is_a_loop(float64):
    images, kernels = normal(2, 6, 5, 2), normal(3, 3, 2, 2, 4)
    expected = [value_and_gradients(convolve, images, kernel) for kernel in kernels]
    actual = jax.vmap(lambda kernel: value_and_gradients(convolve, images, kernel))(kernels)
    close(actual, jax.tree.map(lambda *parts: jnp.stack(parts), *expected))


def test_vmap_over_images_and_kernels_is_a_loop(float64):
    images, kernels = normal(3, 2, 6, 5, 2), normal(3, 3, 2, 2, 4)
    expected = [value_and_gradients(convolve, x, w) for x, w in zip(images, kernels, strict=True)]
    actual = jax.vmap(lambda x, w: value_and_gradients(convolve, x, w))(images, kernels)
    close(actual, jax.tree.map(lambda *parts: jnp.stack(parts), *expected))


def scanned(images, kernels):
    """Convolution by each of ``kernels`` in turn, and its gradients, inside one ``lax.scan``."""
    return lax.scan(lambda carry, w: (carry, value_and_gradients(strided, images, w)), None, kernels)[1]


def strided(images, kernel):
    return convolve(images, kernel, stride=2, padding="SAME")


def test_value_and_gradients_inside_scan_are_the_bits_outside():
    images, kernels = normal(4, 9, 8, 3).astype(jnp.float32), normal(2, 3, 3, 3, 5).astype(jnp.float32)
    outside = jax.jit(lambda w: value_and_gradients(strided, images, w))
    expected = jax.tree.map(lambda *parts: jnp.stack(parts), *map(outside, kernels))
    jax.tree.map(np.testing.assert_array_equal, jax.jit(scanned)(images, kernels), expected)


LAID_OUT = re.compile(r"stablehlo\.convolution.*dim_numbers = (\[.*?\]->\[.*?\]).*?batch_group_count = (\d+)")


def lowered(convolution, platform, images, kernel):
    """The gradient's program for a platform, as text."""
    gradient = jax.jit(jax.grad(lambda x, w: convolution(x, w).sum(), (0, 1)))
    return gradient.trace(images, kernel).lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize(("groups", "dilation"), [(2, 1), (1, 2)])
def test_on_a_cpu_the_gradients_convolutions_are_laid_out_nhwc_by_hwio(groups, dilation):
    """Any other layout is on XLA:CPU's slow path inside a while loop."""
    convolution = partial(convolve, padding="SAME", stride=2, dilation=dilation, groups=groups)
    program = lowered(convolution, "cpu", jnp.ones((2, 6, 6, 4)), jnp.ones((3, 3, 4 // groups, 4)))
    assert LAID_OUT.findall(program) == [("[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]", "1")]
    assert set(re.findall(r"lhs_dilate = (\[.*?\])", program)) == {"[1, 1]"}


def test_on_a_cpu_the_image_gradient_of_a_strided_convolution_is_a_product():
    images, kernel = jnp.ones((2, 6, 6, 4)), jnp.ones((3, 3, 4, 8))
    program = lowered(partial(convolve, padding="SAME", stride=2), "cpu", images, kernel)
    assert "stablehlo.convolution" not in program
    assert "tensor<9x8xf32>" in program  # 1 image of 3×3 positions in each of two blocks
    assert "tensor<9x36xf32>" in program  # the windows that they paint, 3×3×4


def test_elsewhere_the_gradients_are_xlas_own():
    images, kernel = jnp.ones((2, 6, 6, 20)), jnp.ones((3, 3, 20, 20))
    own, by_xla = (
        lowered(partial(convolution, stride=2, padding="SAME"), "cuda", images, kernel)
        for convolution in (convolve, by_lax)
    )
    assert len(LAID_OUT.findall(by_xla)) == 2
    assert sorted(LAID_OUT.findall(own)) == sorted(LAID_OUT.findall(by_xla))
    assert "while" not in own


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2, 9, 8, 4), {"kernel_size": (3, 2), "strides": 2}),
        ((2, 9, 8, 4), {"kernel_size": (3, 2), "strides": (1, 3), "padding": "VALID", "kernel_dilation": 2}),
        ((2, 9, 8, 4), {"kernel_size": (3, 2), "padding": ((1, 0), (2, 2)), "feature_group_count": 2}),
        ((2, 9, 8, 4), {"kernel_size": (3, 3), "padding": "CIRCULAR", "feature_group_count": 4}),
        ((2, 9, 4), {"kernel_size": (3,), "padding": "CAUSAL"}),
        ((2, 3, 9, 8, 4), {"kernel_size": (3, 3)}),
    ],
)
def test_flax_layer_computes_and_learns_the_same_with_it(float64, shape, options):
    own, flax = (
        nn.Conv(4, **options, param_dtype=jnp.float64, **convolution)
        for convolution in ({"conv_general_dilated": flax_convolution}, {})
    )
    images = normal(*shape)
    shapes = jax.eval_shape(flax.init, jax.random.key(0), images)
    params = jax.tree.map(lambda leaf: normal(*leaf.shape), shapes)

    def both(images, params):
        return [value_and_gradients(lambda x, p: layer.apply(p, x), images, params) for layer in (own, flax)]

    close(*jax.jit(both, compiler_options=QUICK_TO_COMPILE)(images, params))


@pytest.mark.parametrize(
    ("images", "kernel", "compiled"),
    [((4, 60, 24), (8, 24, 24), "24,192"), ((4, 10, 10, 1), (3, 3, 1, 32), "9,32")],
)
def test_a_kernel_gradient_is_compiled_with_the_narrow_side_first(images, kernel, compiled):
    """XLA exchanges the sides of a product that is turned, unless it is kept from it."""
    x, w = jnp.ones(images), jnp.ones(kernel)
    gradient = jax.jit(lambda x, w, y: jax.vjp(partial(convolve, x), w)[1](y)[0])
    program = gradient.lower(x, w, convolve(x, w)).compile().as_text()
    assert re.findall(r"f32\[([\d,]+)\]\S* dot\(", program) == [compiled]
