"""Residual networks against their blocks written out, and against the identity that is left without their layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from programs import jit_of_draws

from models.convnets.resnet import BLOCKS, ResidualBlock, ResNet, cifar_resnet, resnet
from models.feature_maps import feature_maps

RNG = np.random.default_rng(0)
FEATURES = jnp.asarray(RNG.normal(size=(2, 5, 5, 3)), jnp.float32)


def initialised(model, *inputs, **options):
    """Parameters and statistics that are away from 0 and 1."""
    drawn = jit_of_draws(lambda key, *given: model.init(key, *given, **options))(jax.random.key(0), *inputs)
    return jax.tree.map(lambda leaf: leaf + jnp.asarray(RNG.uniform(0.05, 0.3, leaf.shape), leaf.dtype), drawn)


@pytest.mark.parametrize(
    ("block", "strides"), [("basic", (2, 1)), ("bottleneck", (1, 2, 1)), ("bottleneck_paper", (2, 1, 1))]
)
def test_a_block_is_its_convolutions_and_a_projection(block, strides):
    """By XLA's own convolution; the two bottlenecks differ in where the stride stands, and so in what they compute."""
    model = ResidualBlock(BLOCKS[block](4, 2), "projection", 0)
    variables = initialised(model, FEATURES, training=False)
    params, statistics = variables["params"], variables["batch_stats"]

    def normalised_convolution(features, number, stride, names=("conv", "bn")):
        kernel = params[f"{names[0]}{number}"]["kernel"]
        margin = [(kernel.shape[0] // 2,) * 2] * 2
        layout = ("NHWC", "HWIO", "NHWC")
        hidden = lax.conv_general_dilated(features, kernel, (stride, stride), margin, dimension_numbers=layout)
        name = f"{names[1]}{number}" if names[1] == "bn" else "downsample_1"
        mean, variance = statistics[name]["mean"], statistics[name]["variance"]
        return params[name]["scale"] * (hidden - mean) / jnp.sqrt(variance + 1e-5) + params[name]["bias"]

    def by_hand(features):
        hidden = features
        for number, stride in enumerate(strides, 1):
            hidden = normalised_convolution(hidden, number, stride)
            hidden = jnp.maximum(hidden, 0) if number < len(strides) else hidden
        return jnp.maximum(hidden + normalised_convolution(features, "_0", 2, ("downsample", "downsample")), 0)

    found = jax.jit(lambda features: model.apply(variables, features, training=False))(FEATURES)
    np.testing.assert_allclose(found, jax.jit(by_hand)(FEATURES), rtol=2e-5, atol=2e-5)


def test_without_its_layers_a_net_with_zeros_is_the_identity():
    """Where every block's last scale is 0, stage after stage hands on every other pixel of the stem, and zeros."""
    model = cifar_resnet(8, classes=3)
    images = jnp.asarray(RNG.normal(size=(2, 8, 8, 1)), jnp.float32)
    variables = initialised(model, images)
    params = dict(variables["params"])
    for stage in (1, 2, 3):
        zero = jax.tree.map(jnp.zeros_like, params[f"layer{stage}_0"]["bn2"])
        params[f"layer{stage}_0"] = params[f"layer{stage}_0"] | {"bn2": zero}
    variables = variables | {"params": params}
    shown = jax.jit(lambda variables: feature_maps(model, variables, images))(variables)
    np.testing.assert_array_equal(shown["layer1_0"], shown["stem"])
    np.testing.assert_array_equal(shown["layer3_0"][..., :16], shown["stem"][:, ::4, ::4])
    assert shown["layer3_0"].shape == (2, 2, 2, 64)
    assert not shown["layer3_0"][..., 16:].any()
    mean = np.asarray(shown["layer3_0"]).mean((1, 2))
    logits = mean @ np.asarray(params["fc"]["kernel"]) + np.asarray(params["fc"]["bias"])
    np.testing.assert_allclose(jax.jit(model.apply)(variables, images), logits, rtol=1e-4, atol=1e-5)


def test_the_stages_have_the_papers_sizes():
    """He et al. 2016, table 1: 112, 56, 28, 14, 7 and section 4.2: 32, 16, 8."""

    def sides(model, side):
        image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
        variables = jax.eval_shape(model.init, jax.random.key(0), image)
        shown = jax.eval_shape(lambda variables, image: feature_maps(model, variables, image), variables, image)
        return {name: features.shape[1:] for name, features in shown.items()}

    shown = sides(resnet(18, 1000), 224)
    assert shown["stem"] == (112, 112, 64)
    assert [shown[f"layer{n}_1"] for n in (1, 2, 3, 4)] == [(56, 56, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512)]
    shown = sides(cifar_resnet(14), 32)
    assert [shown[f"layer{n}_1"] for n in (1, 2, 3)] == [(32, 32, 16), (16, 16, 32), (8, 8, 64)]


def test_depths_that_there_are_not():
    with pytest.raises(ValueError, match=r"^there are ResNets of depth 18, 34, 50, 101, 152, not 20$"):
        resnet(20, 1000)
    with pytest.raises(ValueError, match=r"^the depth must be 6n \+ 2 .*, got 18$"):
        cifar_resnet(18)


def test_in_training_it_observes_every_normalisation():
    model = ResNet(3, (1,), widths=(4,), stem=(BLOCKS["basic"](4, 1)[0],))
    variables = initialised(model, FEATURES)
    _, observed = model.apply(variables, FEATURES, training=True, mutable=["batch_stats"])
    assert jax.tree.structure(observed["batch_stats"]) == jax.tree.structure(variables["batch_stats"])
    same = jax.tree.map(np.allclose, observed["batch_stats"], variables["batch_stats"])
    assert not any(jax.tree.leaves(same))
