"""The volume after each layer of a pattern, by formula: its size and units, what is learnt, and how far it sees."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from models.convnets.pattern import BatchNormalization, Convolution, Dense, Layer, Pool, layer_names, written
from models.layers.cost import convolution_cost, dense_cost
from models.layers.receptive_field import receptive_field
from models.layers.window import sliding_window

Shape = tuple[int, int, int]


class Volume(NamedTuple):
    """One row of the table."""

    layer: str
    """in the pattern's notation"""
    shape: Shape
    """height, width and channels of what it makes"""
    units: int
    """their product"""
    parameters: int
    """numbers that the layer learns"""

    def __str__(self) -> str:
        shape = "×".join(map(str, self.shape))
        return f"{self.layer:<30} {shape:>12} {self.units:>12,} units {self.parameters:>12,} parameters"


def volumes(layers: Sequence[Layer], image_shape: Shape, *, classes: int) -> list[Volume]:
    """The image, and what each layer makes of what came before.

        CONV   ⌊(w − f + 2p) / s⌋ + 1 positions a side, k channels;   f² · (channels / g) · k + k parameters
        POOL   ⌊(w − f + 2p) / s⌋ + 1 positions a side (⌈⌉ with ``ceil``), the same channels
        FC     1 × 1 × n;   height · width · channels · n + n parameters

    ``ValueError`` names the layer whose window does not fit, or the pool that sees padding alone. Lecture 000,
    "Convolutional layer" and "Pooling layer" (⌈⌉ in its formula of the convolution, which agrees where the stride
    divides).
    """
    table = [Volume("INPUT", image_shape, prod(image_shape), 0)]
    for layer in layers:
        before = table[-1].shape
        shape = output_shape(layer, before, classes=classes)
        table.append(Volume(written(layer), shape, prod(shape), _parameters(layer, before, shape)))
    return table


def receptive_fields(layers: Sequence[Layer]) -> dict[str, int]:
    """Pixels of a side that one unit of each convolution and pool depends on, by the layers' names.

    Up to the first layer that sees the whole volume; cut at the image's borders. Araujo et al. 2019, equation 2.
    """
    seen: list[tuple[int, int]] = []
    fields = {}
    for name, layer in zip(layer_names(layers), layers, strict=True):
        if isinstance(layer, Dense) or getattr(layer, "window", ...) is None:
            break
        if isinstance(layer, Convolution | Pool):
            seen.append((layer.window, layer.stride or layer.window))
            windows, strides = zip(*seen, strict=True)
            fields[name] = receptive_field(windows, strides=strides)
    return fields


def output_shape(layer: Layer, shape: Shape, *, classes: int) -> Shape:
    """The volume that a layer makes of one of ``shape``. Dumoulin & Visin 2016, relationships 6 and 15."""
    match layer:
        case Convolution():
            return *_positions(layer, shape, layer.margin), layer.features
        case Pool(window=None):
            return 1, 1, shape[-1]
        case Pool():
            return *_positions(layer, shape, layer.padding), shape[-1]
        case Dense():
            return 1, 1, layer.units or classes
        case _:
            return shape


def _parameters(layer: Layer, before: Shape, after: Shape) -> int:
    match layer:
        case Convolution(features=features, window=window, groups=groups, bias=bias):
            positions = after[:2]
            return convolution_cost(
                (window, window), before[-1], features, positions=positions, groups=groups, bias=bias
            ).parameters
        case Dense(bias=bias):
            return dense_cost(prod(before), after[-1], bias=bias).parameters
        case BatchNormalization():
            return 2 * before[-1]
        case _:
            return 0


def _positions(layer: Convolution | Pool, shape: Shape, padding: int) -> tuple[int, int]:
    options = dict(stride=layer.stride or layer.window, padding=[(padding, padding)] * 2)
    volume = f"a volume of {' × '.join(map(str, shape))}"
    try:
        window = sliding_window(shape[:2], layer.window, ceil_mode=getattr(layer, "ceil", False), **options)
    except ValueError as error:
        raise ValueError(f"{written(layer)} does not fit {volume}") from error
    if isinstance(layer, Pool) and not window.sees_pixels():
        raise ValueError(f"{written(layer)} has a window that sees nothing but padding around {volume}")
    height, width = window.positions
    return height, width
