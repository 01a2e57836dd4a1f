"""Layers whose cost is counted twice: by the lectures' formulas, and by XLA."""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from experiments.foundations.backpropagation.nets import Net
from models.layers.conv_products import Geometry, xla_convolution
from models.layers.cost import Cost, convolution_cost, dense_cost, depthwise_separable_cost

LAYERS = {
    "dense": "the dense net's first layer",
    "convolution": "the convolution",
    "convolution_as_matrix": "… as its matrix",
    "alexnet_convolution": "AlexNet's first layer",
    "alexnet_dense": "AlexNet's first dense layer",
    "mobilenet_full": "3 × 3, 32 → 64, 112²",
    "mobilenet_separable": "… depthwise separable",
}
"""The nets' first layers, the lectures' examples, and a convolution beside MobileNet's replacement of it; in words."""


COST_UNITS = {"parameters": "parameters", "units": "units", "flops": "FLOP", "flops_by_xla": "FLOP"}
"""Of what is counted of a layer."""


class Counted(NamedTuple):
    """A layer's costs for one example."""

    formula: Cost
    """parameters, units, multiply-adds and FLOPs"""
    flops_by_xla: int | None
    """None where the backend does not count"""

    def metrics(self) -> dict[str, int]:
        """What is known, by name."""
        known = {
            "parameters": self.formula.parameters,
            "units": self.formula.units,
            "flops": self.formula.flops,
            "flops_by_xla": self.flops_by_xla,
        }
        return {name: value for name, value in known.items() if value is not None}


def counted_layers(*, dense: Net, convolution: Net) -> dict[str, Counted]:
    """Every one of ``LAYERS``; those of the nets are their first. Nothing is computed, and nothing is padded."""
    shape = convolution.image_shape
    window, features, stride = convolution.convolution
    positions = convolution.convolution.positions(shape)
    counted = {
        "dense": _dense(prod(shape), dense.widths[0]),
        "convolution": Counted(
            convolution_cost((window, window), shape[-1], features, positions=positions),
            _flops(_convolution(stride), shape, convolution.kernel_shape, (features,)),
        ),
        "convolution_as_matrix": _dense(prod(shape), prod(positions) * features),
        "alexnet_convolution": Counted(
            convolution_cost((11, 11), 3, 96, positions=(55, 55)),
            _flops(_convolution(4), (227, 227, 3), (11, 11, 3, 96), (96,)),
        ),
        "alexnet_dense": _dense(6 * 6 * 256, 4096),
        "mobilenet_full": Counted(
            convolution_cost((3, 3), 32, 64, positions=(112, 112), bias=False),
            _flops(convolve_one, (114, 114, 32), (3, 3, 32, 64)),
        ),
        "mobilenet_separable": Counted(
            depthwise_separable_cost((3, 3), 32, 64, positions=(112, 112)),
            _flops(_separable, (114, 114, 32), (3, 3, 1, 32), (1, 1, 32, 64)),
        ),
    }
    return {name: counted[name] for name in LAYERS}


def convolve_one(image: Array, kernel: Array, *, stride: int = 1, groups: int = 1) -> Array:
    """The convolution of one image as XLA has it; ``convolve`` may add rows on a CPU, which would be counted."""
    return xla_convolution(Geometry((stride, stride), ((0, 0), (0, 0)), (1, 1), groups), image[None], kernel)[0]


def _convolution(stride: int) -> Callable[..., Array]:
    return lambda image, kernel, bias: convolve_one(image, kernel, stride=stride) + bias


def _separable(image: Array, depthwise: Array, pointwise: Array) -> Array:
    return convolve_one(convolve_one(image, depthwise, groups=image.shape[-1]), pointwise)


def _dense(inputs: int, outputs: int) -> Counted:
    by_xla = _flops(lambda x, kernel, bias: x @ kernel + bias, (inputs,), (inputs, outputs), (outputs,))
    return Counted(dense_cost(inputs, outputs), by_xla)


def _flops(layer: Callable[..., Array], *shapes: tuple[int, ...]) -> int | None:
    arguments = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    counted = jax.jit(layer).lower(*arguments).cost_analysis()
    return int(counted["flops"]) if counted and "flops" in counted else None
