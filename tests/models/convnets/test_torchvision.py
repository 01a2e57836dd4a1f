"""Published weights: torchvision's own names and shapes, and small nets computed with PyTorch's layouts by NumPy.

``torchvision_names.json`` is what ``experiments/bench/peers/torchvision_nets.py --names alexnet vgg11 googlenet
resnet18 resnet50`` prints with torchvision 0.29.1.
"""

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from models.convnets.inception import googlenet_torchvision
from models.convnets.pattern import Convolution
from models.convnets.pattern_net import pattern_net
from models.convnets.published import ALEXNET_TORCHVISION, VGG11
from models.convnets.resnet import ResNet, resnet
from models.convnets.torchvision import from_torchvision, published
from models.mlp import MLPClassifier
from models.standardized import PIXELS, Standardized
from train.transforms import by_path

STATE_DICTS = json.loads((Path(__file__).parent / "torchvision_names.json").read_text())
PHOTO = (224, 224, 3)
NETS = {
    "alexnet": lambda classes: pattern_net(ALEXNET_TORCHVISION, classes),
    "vgg11": lambda classes: pattern_net(VGG11, classes),
    "googlenet": lambda classes: googlenet_torchvision(classes, auxiliary=True),
    "resnet18": lambda classes: resnet(18, classes),
    "resnet50": lambda classes: resnet(50, classes),
}


def shapes_of(model, image_shape):
    image = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros(image.shape)))
    return {path: leaf.shape for path, leaf in by_path(variables).items() if not path.startswith("intermediates")}


def zeros(state_dict):
    """Arrays of these shapes that take no memory."""
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in state_dict.items()}


@pytest.mark.parametrize("name", NETS)
def test_every_published_name_has_its_parameter(name):
    shapes = shapes_of(NETS[name](1000), PHOTO)
    taken = from_torchvision(NETS[name](1000), shapes, zeros(STATE_DICTS[name]), PHOTO)
    assert {path: leaf.shape for path, leaf in taken.items()} == shapes
    weights = {name: shape for name, shape in STATE_DICTS[name].items() if "num_batches_tracked" not in name}
    key_map = published(NETS[name](1000), shapes, PHOTO)
    assert {each.name: list(each.shape) for each in key_map.values()} == weights


@pytest.mark.parametrize("name", NETS)
def test_a_head_for_other_classes_is_left_to_be_drawn(name):
    model = NETS[name](7)
    shapes = shapes_of(model, PHOTO)
    taken = from_torchvision(model, shapes, zeros(STATE_DICTS[name]), PHOTO)
    heads = {"alexnet": ["classifier_6"], "vgg11": ["classifier_6"], "googlenet": ["fc", "aux1/fc2", "aux2/fc2"]}
    left = {f"params/{head}/{leaf}" for head in heads.get(name, ["fc"]) for leaf in ("kernel", "bias")}
    assert shapes.keys() - taken.keys() == left


def test_half_a_head_for_other_classes_is_not_taken_either():
    model = resnet(18, 7)
    shapes = shapes_of(model, PHOTO)
    taken = from_torchvision(model, shapes, zeros(STATE_DICTS["resnet18"] | {"fc.weight": [7, 512]}), PHOTO)
    assert shapes.keys() - taken.keys() == {"params/fc/kernel", "params/fc/bias"}


def test_whole_numbers_are_no_weights():
    model = resnet(18, 1000)
    weights = zeros(STATE_DICTS["resnet18"])
    weights["conv1.weight"] = weights["conv1.weight"].astype(np.int64)
    with pytest.raises(ValueError, match=r"^1 of whole numbers: conv1.weight$"):
        from_torchvision(model, shapes_of(model, PHOTO), weights, PHOTO)


def test_auxiliary_classifiers_are_left_where_the_net_does_without():
    model = googlenet_torchvision(1000)
    shapes = shapes_of(model, PHOTO)
    assert from_torchvision(model, shapes, zeros(STATE_DICTS["googlenet"]), PHOTO).keys() == shapes.keys()


def without(*names):
    return {name: shape for name, shape in STATE_DICTS["resnet18"].items() if name not in names}


FAULTS = {
    "partial": (
        without("fc.weight", "conv1.weight", "bn1.bias", "layer1.0.bn1.running_var"),
        r"^4 missing: bn1.bias, conv1.weight, fc.weight, …$",
    ),
    "of another net": (
        STATE_DICTS["resnet50"],
        r"^165 unexpected: layer1.0.bn3.bias, .*, …; 24 of another shape: fc.weight .* for \[1000, 512\], .*, …$",
    ),
    "another image": (
        without() | {"conv1.weight": [64, 1, 7, 7]},
        r"^1 of another shape: conv1.weight \[64, 1, 7, 7\] for \[64, 3, 7, 7\]$",
    ),
    "another width before the head": (
        without() | {"fc.weight": [1000, 2048]},
        r"^1 of another shape: fc.weight \[1000, 2048\] for \[1000, 512\]$",
    ),
    "both": (
        without("fc.bias") | {"head.bias": [1000]},
        r"^1 missing: fc.bias; 1 unexpected: head.bias$",
    ),
    "nothing": ({}, r"^102 missing: bn1.bias"),
}


@pytest.mark.parametrize(("state_dict", "message"), FAULTS.values(), ids=FAULTS)
def test_another_state_dict_is_refused_with_the_names_that_differ(state_dict, message):
    model = resnet(18, 1000)
    with pytest.raises(ValueError, match=message):
        from_torchvision(model, shapes_of(model, PHOTO), zeros(state_dict), PHOTO)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (resnet(50, 1000, stride_in_first=True), "stride of a bottleneck in its 3×3"),
        (MLPClassifier((4,), 1000), "read into AlexNet, VGG, GoogLeNet and ResNet, not into MLPClassifier"),
    ],
    ids=["another stride", "no such net"],
)
def test_a_net_that_torchvision_has_not_is_refused(model, message):
    """The shapes of the first are torchvision's; only its results would be wrong."""
    with pytest.raises(ValueError, match=message):
        from_torchvision(model, {}, zeros(STATE_DICTS["resnet50"]), PHOTO)


def convolved(images, weight, bias=None):
    """images [N, C, H, W] and weight [O, C, h, w] with (h − 1) / 2 zeros around, as PyTorch's ``conv2d``."""
    margin = weight.shape[-1] // 2
    padded = np.pad(images, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    out = np.stack([np.stack([correlate(image, w, "valid")[0] for w in weight]) for image in padded])
    return out if bias is None else out + bias[:, None, None]


def drawn(rng, shapes):
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def apply(model, taken, images):
    variables = {}
    for path, leaf in taken.items():
        *parts, last = path.split("/")
        tree = variables
        for part in parts:
            tree = tree.setdefault(part, {})
        tree[last] = leaf
    return jax.jit(model.apply)(variables, images.transpose(0, 2, 3, 1))


def test_rows_of_channels_become_rows_of_pixels():
    """A volume that is not square, whose channels PyTorch flattens first: the trap of AlexNet and VGG."""
    rng = np.random.default_rng(0)
    model, image_shape = pattern_net("CONV 3 → RELU → DROPOUT → FC 5 → RELU → FC", 2), (4, 6, 2)
    weights = drawn(
        rng,
        {
            "features.0.weight": (3, 2, 3, 3),
            "features.0.bias": (3,),
            "classifier.1.weight": (5, 3 * 4 * 6),
            "classifier.1.bias": (5,),
            "classifier.3.weight": (2, 5),
            "classifier.3.bias": (2,),
        },
    )
    images = rng.normal(size=(2, 2, 4, 6)).astype(np.float32)
    features = np.maximum(convolved(images, weights["features.0.weight"], weights["features.0.bias"]), 0)
    hidden = np.maximum(features.reshape(2, -1) @ weights["classifier.1.weight"].T + weights["classifier.1.bias"], 0)
    expected = hidden @ weights["classifier.3.weight"].T + weights["classifier.3.bias"]
    taken = from_torchvision(model, shapes_of(model, image_shape), weights, image_shape)
    np.testing.assert_allclose(apply(model, taken, images), expected, rtol=1e-5, atol=1e-5)


def test_running_statistics_are_those_that_it_normalises_by():
    rng = np.random.default_rng(1)
    model, image_shape = ResNet(3, blocks=(), widths=(), stem=(Convolution(4, 3, bias=False),)), (5, 7, 2)
    names = ("weight", "bias", "running_mean", "running_var")
    weights = drawn(rng, {"conv1.weight": (4, 2, 3, 3), "fc.weight": (3, 4), "fc.bias": (3,)})
    weights |= drawn(rng, {f"bn1.{name}": (4,) for name in names})
    weights["bn1.running_var"] **= 2
    weights["bn1.num_batches_tracked"] = np.asarray(7)
    images = rng.normal(size=(2, 2, 5, 7)).astype(np.float32)
    scale, bias, mean, variance = (weights[f"bn1.{name}"][:, None, None] for name in names)
    hidden = convolved(images, weights["conv1.weight"])
    hidden = np.maximum((hidden - mean) / np.sqrt(variance + 1e-5) * scale + bias, 0).mean(axis=(2, 3))
    expected = hidden @ weights["fc.weight"].T + weights["fc.bias"]
    taken = from_torchvision(model, shapes_of(model, image_shape), weights, image_shape)
    np.testing.assert_allclose(apply(model, taken, images), expected, rtol=1e-4, atol=1e-4)


def test_no_number_is_a_part_of_another_name():
    """``layer1_10`` is layer1.10 and not layer1.1.0."""
    key_map = published(ResNet(3, (12,)), {"params/layer1_10/conv1/kernel": (3, 3, 4, 4)}, PHOTO)
    assert [each.name for each in key_map.values()] == ["layer1.10.conv1.weight"]
    assert not re.search(r"_\d", "".join(name for names in STATE_DICTS.values() for name in names))


def test_a_net_that_standardises_its_images_takes_the_same_weights():
    """As its parameters have the same paths."""
    model = Standardized(resnet(18, 1000), *PIXELS["imagenet"])
    shapes = shapes_of(model, PHOTO)
    assert shapes == shapes_of(resnet(18, 1000), PHOTO)
    assert from_torchvision(model, shapes, zeros(STATE_DICTS["resnet18"]), PHOTO).keys() == shapes.keys()
