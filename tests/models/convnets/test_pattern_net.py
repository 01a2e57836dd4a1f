"""A net of every kind of layer against the same layers written out with XLA's own convolution and reductions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from jax import lax
from programs import jit_of_draws

from models.convnets.pattern import Pool, parse_pattern
from models.convnets.pattern_net import PatternNet, pattern_net, pool
from models.dropout import with_dropout
from models.feature_maps import feature_maps
from models.layers.local_response import local_response_normalization

CASES = {pool: Case(lambda rng: (Pool(3, 2, 1, average=True), rng.normal(size=(2, 5, 5, 1))))}
IMAGES = jnp.asarray(np.random.default_rng(0).normal(size=(4, 9, 9, 2)), jnp.float32)
NET = pattern_net(
    "CONV 6 5x5 stride 2 padding 1 → BN → RELU → LRN → POOL 3x3 stride 2 ceil → CONV 4 groups 2 unbiased → SIGMOID → "
    "POOL average 2x2 → DROPOUT .25 → FC 5 → TANH → FC 3 → SCALED_TANH → FC",
    classes=7,
)


@pytest.fixture(scope="module")
def variables():
    drawn = jit_of_draws(NET.init)(jax.random.key(0), IMAGES)
    shaken = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: leaf + jnp.asarray(shaken.uniform(0.05, 0.2, leaf.shape), leaf.dtype), drawn)


def by_hand(variables, images):
    params, statistics = variables["params"], variables["batch_stats"]["features_1"]
    layout = ("NHWC", "HWIO", "NHWC")
    first = params["features_0"]
    hidden = lax.conv_general_dilated(images, first["kernel"], (2, 2), [(1, 1)] * 2, dimension_numbers=layout)
    hidden = hidden + first["bias"]
    scale, bias = params["features_1"]["scale"], params["features_1"]["bias"]
    hidden = scale * (hidden - statistics["mean"]) / jnp.sqrt(statistics["variance"] + 1e-5) + bias
    hidden = local_response_normalization(jnp.maximum(hidden, 0))
    hidden = lax.reduce_window(hidden, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), [(0, 0), (0, 1), (0, 1), (0, 0)])
    kernel = params["features_5"]["kernel"]
    halves = [
        lax.conv_general_dilated(hidden[..., seen], kernel[..., made], (1, 1), "SAME", dimension_numbers=layout)
        for seen, made in ((slice(3), slice(2)), (slice(3, 6), slice(2, 4)))
    ]
    hidden = 1 / (1 + jnp.exp(-jnp.concatenate(halves, axis=-1)))
    hidden = lax.reduce_window(hidden, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4
    hidden = hidden.reshape(len(images), -1)
    for number, activation in ((1, jnp.tanh), (3, lambda z: 1.7159 * jnp.tanh(2 / 3 * z)), (5, lambda z: z)):
        dense = params[f"classifier_{number}"]
        hidden = activation(hidden @ dense["kernel"] + dense["bias"])
    return hidden


def test_it_is_its_layers_in_turn(variables):
    found = jax.jit(NET.apply)(variables, IMAGES)
    np.testing.assert_allclose(found, jax.jit(by_hand)(variables, IMAGES), rtol=2e-5, atol=1e-5)


def test_every_layer_is_shown_by_name(variables):
    shown = feature_maps(NET, variables, IMAGES)
    assert list(shown) == [
        "conv1", "bn1", "relu1", "lrn1", "pool1", "conv2", "sigmoid2", "pool2", "dropout2",
        "fc3", "tanh3", "fc4", "scaled_tanh4", "fc5",
    ]  # fmt: skip
    np.testing.assert_array_equal(shown["relu1"], jax.nn.relu(shown["bn1"]))
    np.testing.assert_allclose(shown["fc5"], jax.jit(NET.apply)(variables, IMAGES), rtol=1e-5, atol=1e-5)


def test_dropout_stands_where_the_pattern_has_it(variables):
    """The other layers lose nothing; a quarter of 64 numbers is dropped, the others are 4/3 of what they were."""
    keys = jax.random.split(jax.random.key(3), 4)

    def apply(variables, images):
        return feature_maps(NET, variables, images)

    dropped = jit_of_draws(with_dropout(apply, rate=0.0, input_rate=0.0))(keys, variables, IMAGES)
    whole = jax.jit(apply)(variables, IMAGES)
    np.testing.assert_allclose(dropped["pool2"], whole["pool2"], rtol=1e-5)
    kept = np.asarray(dropped["dropout2"]) != 0
    assert 0.6 < kept.mean() < 0.9
    np.testing.assert_allclose(dropped["dropout2"], np.where(kept, np.asarray(whole["pool2"]) / 0.75, 0), rtol=1e-5)


def test_one_window_over_the_whole_image():
    largest, mean = (
        PatternNet(parse_pattern(f"POOL {kind} → FC 3"), 3, kernel_init=jax.nn.initializers.ones)
        for kind in ("all", "average all")
    )
    params = {"params": {"classifier_0": {"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}}}
    images = np.asarray(IMAGES)
    np.testing.assert_allclose(largest.apply(params, IMAGES)[:, 0], images.max((1, 2)).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(mean.apply(params, IMAGES)[:, 0], images.mean((1, 2)).sum(-1), rtol=1e-4)
