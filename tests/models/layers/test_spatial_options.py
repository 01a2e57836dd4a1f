"""What is told for each axis: read as NumPy broadcasts it, or refused in one line, by every layer with a window."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from typecheck import unchecked

from models.layers.conv import convolve
from models.layers.pool import average_pool, max_pool
from models.layers.sparse import convolution_matrix
from models.layers.spatial_options import explicit_padding, padding_per_axis, per_axis
from models.layers.transposed_conv import convolve_transposed

IMAGES, KERNEL = jnp.ones((1, 5, 5, 4)), jnp.ones((3, 3, 4, 4))
LAYERS = {
    "convolve": partial(convolve, IMAGES, KERNEL),
    "convolve_transposed": partial(convolve_transposed, IMAGES, KERNEL),
    "convolution_matrix": partial(convolution_matrix, KERNEL, (5, 5)),
    "max_pool": partial(max_pool, IMAGES, window=2),
    "average_pool": partial(average_pool, IMAGES, window=2, count_padding=True),
}
POOLS, CONVOLUTIONS = ("max_pool", "average_pool"), ("convolve", "convolve_transposed", "convolution_matrix")
NO_NUMBERS = [0, -1, 1.5, "2", None, (1, 0), (1, 2, 1), (2,), ()]


@pytest.fixture(autouse=True)
def without_types():
    """As users call it: what has the wrong type comes as far as the layer."""
    with unchecked():
        yield


@pytest.mark.parametrize(
    "value", [2, np.int64(2), (2, 2), [2, np.int32(2)], np.asarray([2, 2]), jnp.asarray(2)], ids=repr
)
def test_whole_numbers_of_any_type_are_read(value):
    found = per_axis("stride", value, (5, 6))
    assert found == (2, 2)
    assert {type(number) for number in found} == {int}


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_number_for_each_axis_is_refused(value):
    with pytest.raises(
        ValueError, match=r"^stride must be a whole number of at least 1, or one for each axis of \(5, 6\), "
    ):
        per_axis("stride", value, (5, 6))


@pytest.mark.parametrize("padding", [1, None, "SAME", (1, 2), ((1, 1),), ((1, 1), (1,)), ((1, 1), (1, 0.5))], ids=repr)
def test_what_is_no_padding_for_each_axis_is_refused(padding):
    with pytest.raises(ValueError, match=r"^padding must be \(low, high\) for each axis of \(5, 6\), got [^\n]*$"):
        explicit_padding(padding, (5, 6))


def test_named_paddings_give_size_over_stride_rounded_up():
    sizes = dict(window=(3, 2), stride=(1, 2))
    assert padding_per_axis("VALID", (5, 7), **sizes) == ((0, 0), (0, 0))
    assert padding_per_axis("SAME", (5, 7), **sizes) == ((1, 1), (0, 1))
    assert padding_per_axis("same_lower", (5, 7), **sizes) == ((1, 1), (1, 0))
    with pytest.raises(ValueError, match=r"^padding must be VALID, SAME, SAME_LOWER or .*, got 'FULL'$"):
        padding_per_axis("FULL", (5, 7), **sizes)


@pytest.mark.parametrize(
    ("layer", "option", "value"),
    [
        *((layer, "stride", 0) for layer in LAYERS),
        *((layer, "padding", value) for layer in LAYERS for value in (1, "FULL")),
        *((layer, "dilation", 0) for layer in CONVOLUTIONS),
        *((layer, "groups", value) for layer in CONVOLUTIONS for value in (0, 3)),
        *((layer, "window", 0) for layer in POOLS),
        ("convolve_transposed", "padding", "SAME"),
        ("convolve_transposed", "output_padding", -1),
    ],
)
def test_every_layer_refuses_it_in_one_line(layer, option, value):
    with pytest.raises(ValueError, match=option) as refusal:
        LAYERS[layer](**{option: value})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_takes_numpys_numbers(layer):
    np.testing.assert_array_equal(LAYERS[layer](stride=np.int64(2)), LAYERS[layer](stride=2))


@pytest.mark.parametrize("layer", ["convolve", "convolve_transposed"])
def test_a_kernel_without_pixels_is_refused(layer):
    with pytest.raises(ValueError, match=r"^window must be .*, got \(0, 3\)$"):
        LAYERS[layer].func(IMAGES, jnp.ones((0, 3, 4, 4)))
