"""A picture in every kind of layer: what comes out, what the adjoint makes of that, and the layer's matrix."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.convnets.filters.lessons import BLUR, EDGES, KERNELS, SHARPEN
from models.layers.conv import convolve
from models.layers.cost import (
    Cost,
    convolution_cost,
    depthwise_separable_cost,
    locally_connected_cost,
    max_pooling_cost,
    transposed_convolution_cost,
)
from models.layers.locally_connected import locally_connected
from models.layers.pool import average_pool, max_pool
from models.layers.separable_conv import convolve_separable
from models.layers.transposed_conv import convolve_transposed

SIDE = 64
"""pixels of a side of the picture"""
SMALL = 8
"""of the part of it whose matrices are drawn"""
Image = Float[Array, "height width channels"]


class Layer(NamedTuple):
    """A layer without anything learnt."""

    apply: Callable[[Float[Array, "1 height width channels"]], Float[Array, "1 _ _ features"]]
    """of one grey picture, or of its three colours"""
    cost: Callable[[tuple[int, int], tuple[int, int], int], Cost]
    """from the sizes of picture and output, and the channels"""
    channels: int = 1
    """of the picture"""


def _shared(kernel: np.ndarray, **options: int) -> Layer:
    def cost(space: tuple[int, int], positions: tuple[int, int], channels: int) -> Cost:
        return convolution_cost(kernel.shape[:2], channels, 1, positions=positions, bias=False)

    return Layer(lambda x: convolve(x, jnp.asarray(kernel), **options), cost)


def _from_blur_to_edges(x: Float[Array, "1 height width 1"]) -> Float[Array, "1 _ _ 1"]:
    share = np.linspace(0, 1, x.shape[2] - 2, dtype=np.float32)[:, None, None, None, None]
    row = (1 - share) * BLUR + share * EDGES
    return locally_connected(x, jnp.asarray(np.tile(row, (x.shape[1] - 2, *[1] * row.ndim))))


def _separable(x: Float[Array, "1 height width 3"]) -> Float[Array, "1 _ _ 1"]:
    depthwise = np.stack([KERNELS["blur"], KERNELS["vertical edges"], KERNELS["horizontal edges"]], axis=-1)
    return convolve_separable(x, jnp.asarray(depthwise[:, :, None], jnp.float32), jnp.ones((3, 1)))


def _painted(x: Float[Array, "1 height width 1"]) -> Float[Array, "1 _ _ 1"]:
    return convolve_transposed(x, 4 * jnp.asarray(BLUR), stride=2, padding=((1, 1), (1, 1)), output_padding=1)


WINDOW = (2, 2)
LAYERS = {
    "blur": _shared(BLUR),
    "edges": _shared(EDGES),
    "sharpen": _shared(SHARPEN),
    "stride 2": _shared(BLUR, stride=2),
    "dilation 2": _shared(EDGES, dilation=2),
    "mean pooling": Layer(
        lambda x: average_pool(x, window=2, count_padding=True),
        lambda space, positions, channels: convolution_cost(WINDOW, 1, 1, positions=positions, bias=False)._replace(
            parameters=0
        ),
    ),
    "max pooling": Layer(
        lambda x: max_pool(x, window=2),
        lambda space, positions, channels: max_pooling_cost(WINDOW, channels, positions=positions),
    ),
    "locally connected": Layer(
        _from_blur_to_edges,
        lambda space, positions, channels: locally_connected_cost((3, 3), channels, 1, positions=positions),
    ),
    "separable": Layer(
        _separable,
        lambda space, positions, channels: depthwise_separable_cost((3, 3), channels, 1, positions=positions),
        channels=3,
    ),
    "transposed": Layer(
        _painted,
        lambda space, positions, channels: transposed_convolution_cost(
            (3, 3), channels, 1, positions=space, space=positions
        ),
    ),
}
"""By name: convolutions with known kernels, pooling, …; the transposed one is the adjoint of "stride 2"."""


class Seen(NamedTuple):
    """What a layer does."""

    output: Image
    """of the picture"""
    back: Image
    """the adjoint, at the picture, of the output"""
    matrix: Float[Array, "outputs inputs"]
    """of the layer's derivative at the middle of the picture"""


def picture() -> Float[np.ndarray, "height width 3"]:
    """A temple and its garden, from scikit-learn's sample images, in [0, 1]."""
    from sklearn.datasets import load_sample_image

    photograph = load_sample_image("china.jpg")[:416, 100:516] / np.float32(255)
    block = len(photograph) // SIDE
    cut = photograph[: SIDE * block, : SIDE * block]
    return cut.reshape(SIDE, block, SIDE, block, 3).mean(axis=(1, 3), dtype=np.float32)


def seen(colours: Float[np.ndarray, "height width 3"]) -> dict[str, Seen]:
    """The picture in each of ``LAYERS``, by one compiled program."""
    first = (SIDE - SMALL) // 2
    middle = colours[first : first + SMALL, first : first + SMALL]

    def of(layer: Layer, whole: Image, part: Image) -> Seen:
        def apply(image: Image) -> Image:
            return layer.apply(image[None])[0]

        output, adjoint = jax.vjp(apply, whole)
        matrix = jax.jacrev(apply)(part)
        rows = matrix.size // part.size
        return Seen(output, adjoint(output)[0], matrix.reshape(rows, part.size))

    def of_all(whole: Image, part: Image) -> dict[str, Seen]:
        grey = [image.mean(axis=-1, keepdims=True) for image in (whole, part)]
        return {name: of(layer, *((whole, part) if layer.channels == 3 else grey)) for name, layer in LAYERS.items()}

    found = jax.device_get(jax.jit(of_all)(colours, middle))
    return {name: found[name] for name in LAYERS}
