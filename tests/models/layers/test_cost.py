"""Counts by formula against the lectures' and papers' numbers, Flax's parameters, and XLA's count of the operations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from models.layers.conv import convolve, output_size
from models.layers.cost import (
    Cost,
    convolution_cost,
    dense_cost,
    depthwise_separable_cost,
    locally_connected_cost,
    max_pooling_cost,
    transposed_convolution_cost,
)
from models.layers.dense import dense
from models.layers.locally_connected import locally_connected
from models.layers.pool import max_pool
from models.layers.sparse import convolution_matrix


def floats(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def counted_by_xla(function, *arguments):
    return jax.jit(function).lower(*arguments).cost_analysis()["flops"]


def initialised(module, *shape):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(module.init, jax.random.key(0), floats(*shape))))


def test_alexnets_first_layer():
    """Lecture 001: 55 positions a side, 290,400 units of 364 weights each, which they share: 34,944 parameters."""
    side = output_size(227, 11, stride=4)
    cost = convolution_cost((11, 11), 3, 96, positions=(side, side))
    assert cost == Cost(parameters=34_944, units=290_400, multiply_adds=290_400 * 363, flops=290_400 * 727)
    assert cost.parameters - 96 == 34_848
    assert cost.parameters // 96 == 364
    unshared = locally_connected_cost((11, 11), 3, 96, positions=(side, side), bias=True)
    assert unshared == cost._replace(parameters=105_705_600)


def test_a_fully_connected_unit_on_images():
    """Lecture 000: 3,073 weights on CIFAR-10, 120,001 on a 200×200 image."""
    assert dense_cost(32 * 32 * 3, 1).parameters == 3_073
    assert dense_cost(200 * 200 * 3, 1).parameters == 120_001


def test_five_features_of_a_colour_image():
    """Lectures 000 and 001: 28 inputs per unit, bias included, and 1,280 units at stride 2 (16 positions, padded)."""
    cost = convolution_cost((3, 3), 3, 5, positions=(output_size(32, 3, stride=2, padding=(0, 1)),) * 2)
    assert (cost.parameters, cost.units) == (5 * 28, 1_280)


def test_vgg16_has_the_published_parameters():
    """Simonyan & Zisserman 2015, configuration D: 138 million; 138,357,544 to the last one."""
    channels = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    sides = (224, 224, 112, 112, 56, 56, 56, 28, 28, 28, 14, 14, 14)
    layers = [
        *(convolution_cost((3, 3), *channels[i : i + 2], positions=(side, side)) for i, side in enumerate(sides)),
        *(dense_cost(*sizes) for sizes in ((512 * 7 * 7, 4096), (4096, 4096), (4096, 1000))),
    ]
    assert sum(layer.parameters for layer in layers) == 138_357_544


def test_lenet5_has_the_known_parameters():
    """LeCun et al. 1998 with all maps connected: 61,706."""
    convolutions = (
        convolution_cost((5, 5), 1, 6, positions=(28, 28)),
        convolution_cost((5, 5), 6, 16, positions=(10, 10)),
    )
    layers = (*convolutions, dense_cost(400, 120), dense_cost(120, 84), dense_cost(84, 10))
    assert [layer.parameters for layer in layers] == [156, 2_416, 48_120, 10_164, 850]
    assert sum(layer.parameters for layer in layers) == 61_706


@pytest.mark.parametrize("bias", [True, False])
def test_a_dense_layer_is_what_xla_counts_and_flax_initialises(bias):
    cost = dense_cost(5, 7, bias=bias)
    if bias:
        assert counted_by_xla(dense, floats(5), floats(5, 7), floats(7)) == cost.flops
    else:
        assert counted_by_xla(jnp.matmul, floats(5), floats(5, 7)) == cost.flops
    assert initialised(nn.Dense(7, use_bias=bias), 1, 5) == cost.parameters
    assert (cost.units, cost.multiply_adds) == (7, 35)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("size", "window", "channels", "features", "options"),
    [
        ((9,), (4,), 3, 17, {}),
        ((12, 11), (3, 2), 4, 18, {"stride": 2}),
        ((12, 11), (3, 2), 4, 6, {"groups": 2}),
        ((12, 11), (3, 3), 4, 8, {"groups": 4, "stride": (1, 3)}),
        ((12, 11), (3, 2), 4, 18, {"dilation": 2}),
        ((5, 6, 7), (2, 3, 2), 2, 17, {}),
    ],
    ids=str,
)
def test_a_convolution_is_what_xla_counts_and_flax_initialises(size, window, channels, features, options, bias):
    """Without padding; of more features or terms than a CPU is given as a sum, of which XLA counts the additions."""

    def layer(images, kernel, shift):
        outputs = convolve(images, kernel, **options)
        return outputs + shift if bias else outputs

    groups = options.get("groups", 1)
    kernel = floats(*window, channels // groups, features)
    images = floats(1, *size, channels)
    positions = jax.eval_shape(layer, images, kernel, floats(features)).shape[1:-1]
    cost = convolution_cost(window, channels, features, positions=positions, groups=groups, bias=bias)
    assert counted_by_xla(layer, images, kernel, floats(features)) == cost.flops
    assert initialised(nn.Conv(features, window, feature_group_count=groups, use_bias=bias), *images.shape) == (
        cost.parameters
    )
    assert cost.units == np.prod(positions) * features


@pytest.mark.parametrize("stride", [1, 2])
def test_with_padding_xla_leaves_out_the_zeros_around_the_image(stride):
    """What it counts are the entries of the sparse matrix; the formula also counts the window's cells outside."""
    positions = (-(-7 // stride), -(-6 // stride))
    cost = convolution_cost((3, 3), 4, 8, positions=positions, bias=False)
    entries = np.count_nonzero(convolution_matrix(jnp.ones((3, 3, 4, 8)), (7, 6), stride=stride, padding="SAME"))

    def layer(images, kernel):
        return convolve(images, kernel, stride=stride, padding="SAME")

    assert counted_by_xla(layer, floats(1, 7, 6, 4), floats(3, 3, 4, 8)) == 2 * entries < cost.flops
    pads = jax.lax.padtype_to_pads((7, 6), (3, 3), (stride,) * 2, "SAME")
    room = [size + sum(pad) for size, pad in zip((7, 6), pads, strict=True)]

    def unpadded(images, kernel):
        return convolve(images, kernel, stride=stride)

    assert counted_by_xla(unpadded, floats(1, *room, 4), floats(3, 3, 4, 8)) == cost.flops


@pytest.mark.parametrize("bias", [True, False])
def test_a_depthwise_separable_convolution_is_two_layers_of_flax(bias):
    def layer(images, depthwise, pointwise, first, last):
        hidden = convolve(images, depthwise, groups=4)
        hidden = convolve(hidden + first if bias else hidden, pointwise)
        return hidden + last if bias else hidden

    cost = depthwise_separable_cost((3, 2), 4, 7, positions=(6, 8), bias=bias)
    shapes = (1, 8, 9, 4), (3, 2, 1, 4), (1, 1, 4, 7), (4,), (7,)
    assert counted_by_xla(layer, *(floats(*shape) for shape in shapes)) == cost.flops
    flax = nn.Sequential([nn.Conv(4, (3, 2), feature_group_count=4, use_bias=bias), nn.Conv(7, (1, 1), use_bias=bias)])
    assert initialised(flax, 1, 8, 9, 4) == cost.parameters
    assert cost.units == 6 * 8 * (4 + 7)


def test_the_depthwise_separable_formulas_of_the_lecture_and_of_the_paper():
    """3·3·32 + 32·64 parameters (Lecture 003); MobileNets, section 3.1: 1/64 + 1/3² of the multiply-adds."""
    separable = depthwise_separable_cost((3, 3), 32, 64, positions=(112, 112))
    ordinary = convolution_cost((3, 3), 32, 64, positions=(112, 112), bias=False)
    assert separable.parameters == 288 + 2_048
    assert separable.multiply_adds * 64 * 9 == ordinary.multiply_adds * (9 + 64)


def test_a_locally_connected_layer_is_what_xla_counts():
    cost = locally_connected_cost((3, 2), 2, 5, positions=(4, 6))
    kernels = floats(4, 6, 3, 2, 2, 5)
    assert counted_by_xla(locally_connected, floats(1, 6, 7, 2), kernels) == cost.flops
    assert kernels.size == cost.parameters == cost.multiply_adds


def test_a_transposed_convolution_multiplies_the_entries_of_its_matrix():
    """Of a 5×4 map that becomes an 11×9 image, by a window of 3 at stride 2."""
    matrix = convolution_matrix(jnp.ones((3, 3, 2, 4)), (11, 9), stride=2)
    cost = transposed_convolution_cost((3, 3), 2, 4, positions=(5, 4), space=(11, 9))
    assert cost == Cost(
        parameters=72, units=matrix.shape[1], multiply_adds=np.count_nonzero(matrix), flops=2 * np.count_nonzero(matrix)
    )


def test_max_pooling_compares():
    cost = max_pooling_cost((3, 2), 4, positions=(4, 6))
    pooling = counted_by_xla(lambda x: max_pool(x, window=(3, 2), stride=1), floats(1, 6, 7, 4))
    assert cost == Cost(parameters=0, units=96, multiply_adds=0, flops=int(pooling))


def test_groups_that_do_not_divide_are_refused_with_the_numbers():
    with pytest.raises(ValueError, match="multiples of groups, got channels=6, features=8, groups=4"):
        convolution_cost((3, 3), 6, 8, positions=(5, 5), groups=4)
    with pytest.raises(ValueError, match="multiples of groups, got channels=8, features=6, groups=4"):
        convolution_cost((3, 3), 8, 6, positions=(5, 5), groups=4)
