"""Sizes of a convolution's output by counting positions, and what does not fit: refused with the shapes."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from hypothesis import given
from hypothesis import strategies as st

from models.layers.conv import convolve, flax_convolution, output_size

geometry = st.fixed_dictionaries(
    {
        "stride": st.integers(1, 4),
        "padding": st.tuples(st.integers(0, 4), st.integers(0, 4)),
        "dilation": st.integers(1, 3),
    }
)


@given(st.integers(1, 12), st.integers(1, 5), geometry)
def test_output_size_counts_the_positions_where_the_kernel_fits(size, kernel, options):
    padded, reach = size + sum(options["padding"]), options["dilation"] * (kernel - 1)
    positions = [start for start in range(0, padded, options["stride"]) if start + reach < padded]
    assert output_size(size, kernel, **options) == len(positions)


@given(st.integers(1, 12), st.integers(1, 5), geometry)
def test_output_size_is_the_shape_or_the_convolution_is_refused(size, kernel, options):
    images, weights = jax.ShapeDtypeStruct((1, size, 1), jnp.float32), jax.ShapeDtypeStruct((kernel, 1, 1), jnp.float32)
    expected = output_size(size, kernel, **options)

    def shape():
        padding = [options["padding"]]
        return jax.eval_shape(lambda x, w: convolve(x, w, **options | {"padding": padding}), images, weights).shape

    if expected:
        assert shape() == (1, expected, 1)
    else:
        with pytest.raises(ValueError, match="does not fit"):
            shape()


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4))
def test_same_padding_gives_size_over_stride_rounded_up(size, kernel, stride):
    images, weights = jax.ShapeDtypeStruct((1, size, 1), jnp.float32), jax.ShapeDtypeStruct((kernel, 1, 1), jnp.float32)
    result = jax.eval_shape(lambda x, w: convolve(x, w, stride=stride, padding="SAME"), images, weights)
    assert result.shape == (1, -(-size // stride), 1)


@pytest.mark.parametrize("groups", [1, 2])
def test_wrong_channels_are_refused_with_the_shapes(groups):
    with pytest.raises(ValueError, match=r"\(1, 5, 5, 6\) and kernel \(3, 3, 4, 8\)"):
        convolve(jnp.ones((1, 5, 5, 6)), jnp.ones((3, 3, 4, 8)), groups=groups)


def test_features_that_do_not_divide_into_groups_are_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"kernel \(3, 3, 2, 5\) do not fit with groups=2"):
        convolve(jnp.ones((1, 5, 5, 4)), jnp.ones((3, 3, 2, 5)), groups=2)


def test_a_kernel_that_is_too_large_is_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"\(3, 4, 2, 8\).*\(1, 5, 6, 2\)"):
        convolve(jnp.ones((1, 5, 6, 2)), jnp.ones((3, 4, 2, 8)), dilation=(2, 2))


def test_different_ranks_are_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"\(5, 5, 2\).*\(3, 3, 2, 8\)"):
        convolve(jnp.ones((5, 5, 2)), jnp.ones((3, 3, 2, 8)))


@pytest.mark.parametrize("options", [{"stride": (1, 2, 1)}, {"dilation": (2,)}, {"padding": ((1, 1),)}])
def test_options_for_another_number_of_axes_are_refused_with_the_shapes(options):
    with pytest.raises(ValueError, match=r"for each axis of \(5, 5\), got"):
        convolve(jnp.ones((1, 5, 5, 2)), jnp.ones((3, 3, 2, 8)), **options)


def test_input_dilation_is_refused_with_its_value():
    layer = nn.Conv(3, (3, 3), input_dilation=(1, 2), conv_general_dilated=flax_convolution)
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        layer.init(jax.random.key(0), jnp.ones((1, 5, 5, 2)))
