"""The layers are those of the whole net, whichever is asked for, and so are their published weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.convnets.pattern_net import pattern_net
from models.convnets.vgg_features import CONVOLUTIONS, VGGFeatures, features_from_torchvision, least_side, steps
from models.feature_maps import feature_maps
from train.transforms import by_path

WIDTHS = (2, 3, 4, 5, 6)
SLIM = "[[CONV 2 → RELU]*{0} → POOL{p}] → [[CONV 3 → RELU]*{1} → POOL{p}] → [[CONV 4 → RELU]*{2} → POOL{p}] → "
SLIM += "[[CONV 5 → RELU]*{3} → POOL{p}] → [[CONV 6 → RELU]*{4} → POOL{p}] → FC"
LAYERS = {depth: tuple(step.name for step in steps(depth)) for depth in CONVOLUTIONS}


@pytest.mark.parametrize(("depth", "average"), [(19, True), (16, False)])
def test_every_layer_is_that_of_the_whole_net(depth, average):
    net = pattern_net(SLIM.format(*CONVOLUTIONS[depth], p=" average" if average else ""), classes=2)
    images = jax.random.normal(jax.random.key(1), (2, 32, 37, 3))
    params = net.init(jax.random.key(0), images)
    trunk = {path: leaf for path, leaf in params["params"].items() if path.startswith("features")}
    found = VGGFeatures(LAYERS[depth], depth, WIDTHS, average).apply({"params": trunk}, images)
    shown = feature_maps(net, params, images)
    assert tuple(found) == LAYERS[depth]
    assert len(found) == depth - 3
    for number, maps in enumerate(found.values(), 1):
        np.testing.assert_allclose(maps, shown[f"relu{number}"], atol=1e-5)


def test_nothing_is_made_beyond_the_last_that_is_asked_for():
    shapes = jax.eval_shape(
        lambda: VGGFeatures(("1_1", "2_1")).init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))["params"]
    )
    assert set(shapes) == {"features_0", "features_2", "features_5"}
    with pytest.raises(ValueError, match="VGG11 has no layer 1_2"):
        VGGFeatures(("1_2",), 11).init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))


@pytest.mark.parametrize("layers", [("1_2",), ("3_1", "1_1"), ("5_1",)])
def test_the_least_side_is_the_least(layers):
    side = least_side(layers)

    def sizes(side):
        images = jnp.zeros((1, side, side, 3))
        return [maps.size for maps in jax.eval_shape(VGGFeatures(layers).init_with_output, key, images)[0].values()]

    key = jax.random.key(0)
    assert min(sizes(side)) > 0
    if side > 1:
        with pytest.raises(ValueError, match="does not fit"):
            sizes(side - 1)


def state_dict(depth):
    """As torchvision names and lays out the first layers of a slim net."""
    rng = np.random.default_rng(0)
    weights, channels = {}, 3
    for step in steps(depth):
        width, name = WIDTHS[step.block], step.path.replace("_", ".")
        weights[f"{name}.weight"] = rng.normal(size=(width, channels, 3, 3)).astype(np.float32)
        weights[f"{name}.bias"] = rng.normal(size=width).astype(np.float32)
        channels = width
    return weights


def test_published_weights_are_read_into_their_layers():
    """Names as in torchvision's vgg11: features.0, features.3, features.6, features.8 …"""
    weights = state_dict(11)
    assert sorted({int(name.split(".")[1]) for name in weights}) == [0, 3, 6, 8, 11, 13, 16, 18]
    net = VGGFeatures(("3_1",), 11, WIDTHS)
    shapes = {
        path: leaf.shape
        for path, leaf in by_path(jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))).items()
    }
    read = features_from_torchvision(11, shapes, weights)
    assert {path: leaf.shape for path, leaf in read.items()} == shapes
    np.testing.assert_array_equal(read["params/features_3/kernel"][2, 0], weights["features.3.weight"][:, :, 2, 0].T)
    del weights["features.3.bias"]
    with pytest.raises(ValueError, match=r"1 missing: features\.3\.bias"):
        features_from_torchvision(11, shapes, weights)
    with pytest.raises(ValueError, match="of another shape"):
        features_from_torchvision(11, shapes, weights | {"features.3.bias": np.zeros(7, np.float32)})
