"""Nets in one scan against the same layers written one after the other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from models.batch_norm import COLLECTION
from models.deep_convnet import DeepConvNets, SideBySide
from models.layers.squeeze_excitation import channel_gates, scale_channels

IMAGES = np.random.default_rng(0).normal(size=(4, 5, 6, 1))
SIZES = {"classes": 3, "depths": (2, 1, 3), "width": 4, "growth": 2, "group": 0}
OPTIONS = [
    {},
    {"normalization": "layer"},
    {"normalization": "batch", "connection": "sum", "squeeze_excitation": True},
    {"normalization": "batch", "connection": "concatenation"},
    {"connection": "concatenation", "normalization": "layer", "squeeze_excitation": True},
]


def drawn(net):
    """Variables that are all different, in double precision."""
    shapes = jax.eval_shape(net.init, jax.random.key(0), jnp.asarray(IMAGES, jnp.float32))
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.uniform(0.1, 1.0, leaf.shape) * rng.choice((-1, 1))), shapes)


def convolved(images, kernel, stride=1):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(images, kernel, (stride, stride), "SAME", dimension_numbers=layout)


def one_after_the_other(net, variables, number, *, training):
    """The logits of the net of ``depths[number]`` layers, by Flax's normalisations and ordinary concatenation."""
    params, statistics, layout = variables["params"], variables.get(COLLECTION, {}), net.layout
    hidden = nn.relu(convolved(IMAGES, params["stem"]["kernel"], 2) + params["stem"]["bias"])
    for place in range(sum(net.depths[:number]), sum(net.depths[: number + 1])):
        own = {name: params[name][place] for name in params if getattr(params[name], "ndim", 0) > 1}
        start, inputs = layout.starts[place], hidden.shape[-1]
        weights = params["kernels"][start : start + 9 * inputs * layout.features]
        outputs = convolved(hidden, weights.reshape(inputs, 3, 3, -1).transpose(1, 2, 0, 3))
        if net.normalization == "none":
            outputs = outputs + own["bias"]
        else:
            over = (0, 1, 2) if net.normalization == "batch" else (1, 2, 3)
            mean, variance = outputs.mean(over, keepdims=True), outputs.var(over, keepdims=True)
            if net.normalization == "batch" and not training:
                mean, variance = statistics["mean"][place], statistics["variance"][place]
            outputs = (outputs - mean) / jnp.sqrt(variance + 1e-5) * own["scale"] + own["bias"]
        if net.squeeze_excitation:
            gates = ("reduction", "reduction_bias", "expansion", "expansion_bias")
            outputs = scale_channels(outputs, channel_gates(outputs, *(own[name] for name in gates)))
        match net.connection:
            case "none":
                hidden = nn.relu(outputs)
            case "sum":
                hidden = nn.relu(hidden + outputs)
            case "concatenation":
                hidden = jnp.concatenate([hidden, nn.relu(outputs)], axis=-1)
    readout = params[f"readout_{net.depths[number]}"]
    return hidden.reshape(len(hidden), -1) @ readout["kernel"] + readout["bias"]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_scan_is_the_layers_one_after_the_other(float64, options):
    net = DeepConvNets(**SIZES, **options)
    variables = drawn(net)
    if COLLECTION in variables:
        variables = variables | {COLLECTION: jax.tree.map(jnp.abs, variables[COLLECTION])}

    @jax.jit
    def both(variables):
        training, _ = net.apply(variables, jnp.asarray(IMAGES), training=True, mutable=[COLLECTION])
        of_scan = [training, net.apply(variables, jnp.asarray(IMAGES))]
        by_hand = [
            jnp.stack([one_after_the_other(net, variables, number, training=training) for number in range(3)])
            for training in (True, False)
        ]
        return of_scan, by_hand

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), *both(variables))


def test_no_net_depends_on_the_layers_of_another(float64):
    net = DeepConvNets(**SIZES, normalization="batch", connection="concatenation")
    variables = drawn(net)

    @jax.jit
    def gradients(variables):
        def logits(kernels, number):
            given = variables | {"params": variables["params"] | {"kernels": kernels}}
            return net.apply(given, jnp.asarray(IMAGES), training=True, mutable=[COLLECTION])[0][number].sum()

        return [jax.grad(logits)(variables["params"]["kernels"], number) for number in range(3)]

    sizes, own = net.layout.sizes, np.repeat([0, 1, 2], SIZES["depths"])
    for number, gradient in enumerate(gradients(variables)):
        reached = np.repeat(own, sizes)[np.flatnonzero(gradient)]
        assert set(reached) == {number}


def test_observed_moments_are_those_with_which_the_batch_was_normalised(float64):
    net = DeepConvNets(**SIZES, normalization="batch", connection="sum")
    variables = drawn(net)

    @jax.jit
    def training_and_inference(variables):
        logits, observed = net.apply(variables, jnp.asarray(IMAGES), training=True, mutable=[COLLECTION])
        return logits, net.apply(variables | observed, jnp.asarray(IMAGES))

    np.testing.assert_allclose(*training_and_inference(variables), rtol=1e-9)


def test_sums_without_normalisation_begin_as_the_identity():
    """Whatever the depth: the readout of the first convolution."""
    net = DeepConvNets(**SIZES, connection="sum")
    variables = net.init(jax.random.key(0), jnp.asarray(IMAGES, jnp.float32))
    readout = variables["params"]["readout_2"]
    same = variables["params"] | {f"readout_{depth}": readout for depth in SIZES["depths"]}
    logits = net.apply({"params": same}, jnp.asarray(IMAGES, jnp.float32))
    np.testing.assert_array_equal(logits[0], logits[1])
    np.testing.assert_array_equal(logits[0], logits[2])


def test_kernels_begin_with_hes_deviation():
    net = DeepConvNets(10, (30,), width=8, growth=4, group=0, connection="concatenation")
    variables = net.init(jax.random.key(0), jnp.asarray(IMAGES, jnp.float32))
    layout = net.layout
    for start, size, inputs in list(zip(layout.starts, layout.sizes, layout.inputs, strict=True))[-3:]:
        weights = np.asarray(variables["params"]["kernels"][start : start + size])
        assert weights.std() == pytest.approx(np.sqrt(2 / (9 * inputs)), rel=0.06)


def test_parameters_are_those_of_the_layers():
    """Of two layers by concatenation: 4 → 2 and 6 → 2 features, and readouts of 3 × 3 × 8 values."""
    net = DeepConvNets(3, (2,), width=4, growth=2, group=0, normalization="layer", connection="concatenation")
    shapes = jax.eval_shape(net.init, jax.random.key(0), jnp.asarray(IMAGES, jnp.float32))
    expected = (9 * 4 + 4) + (9 * 4 * 2 + 9 * 6 * 2) + 2 * (2 + 2) + (9 * 8 * 3 + 3)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == expected


def test_a_net_begins_and_computes_as_it_would_alone():
    images, common = jnp.asarray(IMAGES, jnp.float32), SIZES
    plain, residual = {"plain": {}}, {"residual": {"connection": "sum", "normalization": "batch"}}
    together, alone = SideBySide(plain | residual, common), SideBySide(plain, common)
    variables = [net.init(jax.random.key(0), images) for net in (together, alone)]
    jax.tree.map(np.testing.assert_array_equal, *(each["params"]["plain"] for each in variables))
    logits = [net.apply(own, images)["plain"] for net, own in zip((together, alone), variables, strict=True)]
    np.testing.assert_array_equal(*logits)
    assert together.layouts["plain"] == alone.layouts["plain"]
