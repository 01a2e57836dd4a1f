"""The Inception module against its four branches by themselves, and GoogLeNet's sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from programs import jit_of_draws

from models.convnets.inception import (
    Branches,
    Inception,
    InceptionNet,
    googlenet,
    googlenet_torchvision,
)
from models.convnets.pattern import Convolution, Pool
from models.feature_maps import feature_maps

RNG = np.random.default_rng(0)
FEATURES = jnp.asarray(RNG.normal(size=(2, 6, 6, 3)), jnp.float32)


@pytest.mark.parametrize("fives", [3, 5])
def test_it_is_four_branches_side_by_side(fives):
    model = Inception(Branches(2, 3, 4, 5, 6, 7), fives, normalized=False, group=0)
    variables = jit_of_draws(lambda key: model.init(key, FEATURES, training=False))(jax.random.key(0))
    params = variables["params"]

    def unit(name, features):
        kernel, bias = params[name]["conv"]["kernel"], params[name]["conv"]["bias"]
        layout = ("NHWC", "HWIO", "NHWC")
        return jnp.maximum(
            lax.conv_general_dilated(features, kernel, (1, 1), "SAME", dimension_numbers=layout) + bias, 0
        )

    def by_hand(features):
        largest = lax.reduce_window(features, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 1, 1, 1), "SAME")
        branches = (
            unit("branch1", features),
            unit("branch2_1", unit("branch2_0", features)),
            unit("branch3_1", unit("branch3_0", features)),
            unit("branch4_1", largest),
        )
        return jnp.concatenate(branches, axis=-1)

    found = jax.jit(lambda features: model.apply(variables, features, training=False))(FEATURES)
    assert found.shape == (2, 6, 6, 2 + 4 + 6 + 7)
    assert params["branch3_1"]["conv"]["kernel"].shape == (fives, fives, 5, 6)
    np.testing.assert_allclose(found, jax.jit(by_hand)(FEATURES), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [googlenet, googlenet_torchvision])
def test_the_volumes_of_the_papers_table(make):
    """Szegedy et al. 2015, table 1, column "output size"."""
    model, image = make(1000), jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    variables = jax.eval_shape(model.init, jax.random.key(0), image)
    shown = jax.eval_shape(lambda variables, image: feature_maps(model, variables, image), variables, image)
    table = {
        "conv1": (112, 112, 64), "maxpool1": (56, 56, 64), "conv3": (56, 56, 192), "maxpool2": (28, 28, 192),
        "inception3a": (28, 28, 256), "inception3b": (28, 28, 480), "maxpool3": (14, 14, 480),
        "inception4a": (14, 14, 512), "inception4b": (14, 14, 512), "inception4c": (14, 14, 512),
        "inception4d": (14, 14, 528), "inception4e": (14, 14, 832), "maxpool4": (7, 7, 832),
        "inception5a": (7, 7, 832), "inception5b": (7, 7, 1024),
    }  # fmt: skip
    assert {name: shown[name].shape[1:] for name in table} == table


def test_auxiliary_classifiers_are_there_in_training_alone():
    parts = (("conv1", Convolution(4)), ("inception2", Branches(1, 1, 1, 1, 1, 1)), ("pool", Pool()))
    model = InceptionNet(3, parts, auxiliary=("inception2",))
    images = jnp.asarray(RNG.normal(size=(2, 8, 8, 1)), jnp.float32)
    variables = jit_of_draws(model.init)(jax.random.key(0), images)
    kept = ["batch_stats", "intermediates"]
    logits, state = jax.jit(lambda v: model.apply(v, images, training=True, mutable=kept))(variables)
    assert state["intermediates"]["aux1"]["output"].shape == logits.shape == (2, 3)
    assert jax.tree.structure(state["batch_stats"]) == jax.tree.structure(variables["batch_stats"])
    assert "aux1" not in feature_maps(model, variables, images)
