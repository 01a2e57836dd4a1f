"""Weights that were published for PyTorch, as parameters of the nets here: names, layouts, running statistics.

In torchvision's state dicts of AlexNet, VGG, GoogLeNet and ResNet the names are ours with a full stop before numbers:
``layer1.0.conv1.weight`` is ``params/layer1_0/conv1/kernel``. timm's of ResNets have the same names.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from math import isqrt
from typing import NamedTuple

import numpy as np
from flax import linen as nn

from models.convnets.inception import InceptionNet
from models.convnets.pattern import Dense, Layer
from models.convnets.pattern_net import PatternNet, layer_paths
from models.convnets.resnet import ResNet
from models.convnets.volumes import Shape, output_shape
from models.standardized import Standardized

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of parameters by path, "params/conv1/kernel"."""

_LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "variance": "running_var"}
_COUNTER = "num_batches_tracked"


class Published(NamedTuple):
    """One parameter as PyTorch has it."""

    name: str
    """in the state dict"""
    shape: tuple[int, ...]
    """there"""
    convert: Callable[[np.ndarray], np.ndarray]
    """the array from there to ours"""


def published(network: nn.Module, shapes: Shapes, image_shape: Shape) -> dict[str, Published]:
    """Of each parameter by path, what it is in the state dict of the same net in PyTorch.

        kernel of a convolution      weight [out, in, height, width]           → [height, width, in, out]
        kernel of a dense layer      weight [out, in]                          → [in, out]
        … that takes an image [h, w, c] as a row   weight [out, c · h · w]     → [h · w · c, out]
        scale, bias                  weight, bias
        mean, variance               running_mean, running_var

    ``ValueError`` where there is no such net in torchvision.
    """
    rows = _images_as_rows(network, shapes, image_shape)
    return {path: _published(path, shape, rows.get(_module(path))) for path, shape in shapes.items()}


def from_torchvision(
    network: nn.Module, shapes: Shapes, weights: Mapping[str, np.ndarray], image_shape: Shape
) -> dict[str, np.ndarray]:
    """The parameters of ``network`` by path, from a state dict of PyTorch.

    Counters of batches are no weights, and auxiliary classifiers are left where the network does without. A last layer
    of another number of classes is left too: its parameters are not among those that are returned. ``ValueError`` names
    what is missing, what is too much, what has another shape, and what is of whole numbers.
    """
    if isinstance(network, Standardized):
        return from_torchvision(network.network, shapes, weights, image_shape)
    key_map, given = published(network, shapes, image_shape), _of_interest(weights, shapes)
    heads = {each for path, each in key_map.items() if _module(path) in _heads(network)}
    others = {each.name for each in heads if each.name in given and _differ_in_classes(given[each.name], each)}
    drawn = {each.name for each in heads if _layer_of(each.name) in set(map(_layer_of, others))}
    _check(given, {each.name: each.shape for each in key_map.values() if each.name not in drawn}, drawn)
    return {path: each.convert(given[each.name]) for path, each in key_map.items() if each.name not in drawn}


def _of_interest(weights: Mapping[str, np.ndarray], shapes: Shapes) -> dict[str, np.ndarray]:
    """What of a state dict a net of these parameters would have."""
    unused = [_COUNTER + "$"] if any("/aux" in path for path in shapes) else [_COUNTER + "$", r"^aux\d\."]
    return {name: leaf for name, leaf in weights.items() if not re.search("|".join(unused), name)}


def _layer_of(name: str) -> str:
    return name.rpartition(".")[0]


def _differ_in_classes(weight: np.ndarray, wanted: Published) -> bool:
    return weight.shape[0] != wanted.shape[0] and weight.shape[1:] == wanted.shape[1:]


def _check(given: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[int, ...]], drawn: set[str]) -> None:
    """``ValueError`` unless ``given`` has the names and shapes that are ``wanted``, and besides at most those ``drawn``
    anew.
    """
    found = {name: given[name].shape for name in wanted.keys() & given.keys()}
    faults = {
        "missing": sorted(wanted.keys() - given.keys()),
        "unexpected": sorted(given.keys() - wanted.keys() - drawn),
        "of another shape": [
            f"{name} {list(shape)} for {list(wanted[name])}"
            for name, shape in sorted(found.items())
            if shape != wanted[name]
        ],
        "of whole numbers": sorted(name for name in found if given[name].dtype.kind in "iub"),
    }
    if any(faults.values()):
        raise ValueError("; ".join(f"{len(names)} {fault}: {_few(names)}" for fault, names in faults.items() if names))


def _published(path: str, shape: tuple[int, ...], row: Shape | None) -> Published:
    modules, leaf = _module(path).split("/"), path.rpartition("/")[2]
    name = ".".join([*(re.sub(r"_(\d+)$", r".\1", module) for module in modules), _LEAVES[leaf]])
    match shape:
        case height, width, channels, features:
            return Published(name, (features, channels, height, width), lambda weight: weight.transpose(2, 3, 1, 0))
        case inputs, features if row is None:
            return Published(name, (features, inputs), np.transpose)
        case inputs, features:
            return Published(name, (features, inputs), partial(_from_rows_of_channels, row=row))
    return Published(name, shape, np.asarray)


def _from_rows_of_channels(weight: np.ndarray, *, row: Shape) -> np.ndarray:
    """[out, c · h · w] → [h · w · c, out]."""
    height, width, channels = row
    return weight.reshape(-1, channels, height, width).transpose(2, 3, 1, 0).reshape(-1, len(weight))


def _images_as_rows(network: nn.Module, shapes: Shapes, image_shape: Shape) -> dict[str, Shape]:
    """Dense layers that take an image as one row, and the shape of that image."""
    match network:
        case PatternNet(layers=layers, classes=classes):
            return {_first_dense(layers): _before_dense(layers, image_shape, classes)}
        case InceptionNet():
            kernels = [path for path in shapes if re.fullmatch(r"params/aux\d/fc1/kernel", path)]
            return {_module(path): _square(shapes[path][0], channels=128) for path in kernels}
        case ResNet(block="bottleneck_paper"):
            raise ValueError("torchvision has the stride of a bottleneck in its 3×3 convolution, not in the first 1×1")
        case ResNet():
            return {}
    known = "AlexNet, VGG, GoogLeNet and ResNet"
    raise ValueError(f"weights published for PyTorch are read into {known}, not into {type(network).__name__}")


def _first_dense(layers: Sequence[Layer]) -> str:
    named = zip(layer_paths(layers), layers, strict=True)
    return next(path for path, layer in named if isinstance(layer, Dense))


def _before_dense(layers: Sequence[Layer], image_shape: Shape, classes: int) -> Shape:
    """The volume that the first dense layer takes."""
    shape = image_shape
    for layer in takewhile(lambda layer: not isinstance(layer, Dense), layers):
        shape = output_shape(layer, shape, classes=classes)
    return shape


def _square(units: int, *, channels: int) -> Shape:
    side = isqrt(units // channels)
    return side, side, channels


def _heads(network: nn.Module) -> set[str]:
    """The layers with one output for each class."""
    return {layer_paths(network.layers)[-1]} if isinstance(network, PatternNet) else {"fc", "aux1/fc2", "aux2/fc2"}


def _module(path: str) -> str:
    """The path of the module that owns a parameter: without the collection and the parameter's own name."""
    return path.partition("/")[2].rpartition("/")[0]


def _few(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
