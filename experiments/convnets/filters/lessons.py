"""Known filters, layers that learn them from white noise, and in closed form what they can learn at best."""

from collections.abc import Callable, Mapping
from math import atan, pi, sqrt
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from models.layers.conv import convolve
from models.layers.cost import (
    Cost,
    convolution_cost,
    depthwise_separable_cost,
    locally_connected_cost,
    transposed_convolution_cost,
)
from models.layers.locally_connected import locally_connected
from models.layers.pool import average_pool, max_pool
from models.layers.separable_conv import convolve_separable
from models.layers.transposed_conv import convolve_transposed
from train.trainable import Params

SIZE = 8
"""pixels of a side of the images of noise"""
KERNELS = {
    "blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
    "vertical edges": np.outer([1, 2, 1], [-1, 0, 1]) / 4,
    "horizontal edges": np.outer([-1, 0, 1], [1, 2, 1]) / 4,
    "sharpen": np.asarray([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]) / 4,
}
"""A binomial blur, the edges of Sobel & Feldman 1968, and an image less its Laplacian."""
FOUR = np.stack(list(KERNELS.values()), axis=-1)[:, :, None].astype(np.float32)
"""All of them as the features of one convolution of grey images."""
BLUR, EDGES, SHARPEN = FOUR[..., :1], FOUR[..., 1:2], FOUR[..., 3:]

SHARE = np.linspace(0, 1, SIZE - 2, dtype=np.float32)
LOCAL = np.tile(
    (1 - SHARE[:, None, None, None, None]) * BLUR + SHARE[:, None, None, None, None] * EDGES, (SIZE - 2, *[1] * 5)
)
"""At each of the positions a kernel of its own: from the left to the right a blur becomes edges."""

MIXTURE = np.asarray([[1.0, 0.0, 0.5, -0.5], [0.0, 1.0, 0.5, 0.5], [0.5, -0.5, 0.0, 1.0]], np.float32)
PRODUCT = FOUR[:, :, 0, :3, None] * MIXTURE
"""Red is blurred, green and blue are asked for edges, and four features mix the three: a product."""
FULL = np.stack([np.roll(FOUR[:, :, 0], colour, axis=-1) for colour in range(3)], axis=2)
"""Every feature filters every colour in another way: no product."""

ENCODER = np.asarray([[1, 2], [3, 4]], np.float32)[..., None, None] / 10
"""Every block of four pixels becomes one number."""

MEAN_OF_FOUR = 6 * atan(sqrt(2)) / pi**1.5
VARIANCE_OF_FOUR = 1 + sqrt(3) / pi - MEAN_OF_FOUR**2
"""Of the largest of four standard normal numbers (Jones 1948)."""

Images = Float[Array, "batch height width channels"]


class Lesson(NamedTuple):
    """A layer, and a filter that it is to become. Images are white noise of variance 1 in three channels."""

    words: str
    """of the layer ← of the filter"""
    filter: Callable[[Images], Images]
    """what is to be learnt"""
    layer: Callable[[Params, Images], Images]
    """what learns it"""
    shapes: Mapping[str, tuple[int, ...]]
    """of the layer's parameters"""
    best: np.ndarray
    """the kernel of least expected error"""
    least_error: float
    """the expected squared error of an output with it"""
    cost: Cost
    """of the layer, on an image of noise"""
    kernel: Callable[[Params], Array] = lambda params: params["kernel"]
    """what the parameters amount to, to be compared with the best"""


def grey(images: Images) -> Images:
    """The first channel."""
    return images[..., :1]


def convolution(params: Params, images: Images, **options: Any) -> Images:
    """Of the first channel."""
    return convolve(grey(images), params["kernel"], **options)


def products(kernel: Float[np.ndarray, "*window channels features"]) -> tuple[np.ndarray, float]:
    """The product of kernels d[k, c] p[c, o] that is nearest to a kernel, and the squares of what is left of a feature.

    Channel by channel it is the largest singular value's part (Eckart & Young 1936).
    """
    rows = kernel.reshape(-1, *kernel.shape[-2:]).transpose(1, 0, 2)
    left, values, right = np.linalg.svd(rows)
    nearest = left[:, :, :1] * values[:, None, :1] @ right[:, :1]
    return nearest.transpose(1, 0, 2).reshape(kernel.shape), float((values[:, 1:] ** 2).sum() / kernel.shape[-1])


def _separable(words: str, kernel: np.ndarray) -> Lesson:
    best, left_over = products(kernel)
    return Lesson(
        words,
        lambda x: convolve(x, jnp.asarray(kernel)),
        lambda params, x: convolve_separable(x, params["depthwise"], params["pointwise"]),
        {"depthwise": (3, 3, 1, 3), "pointwise": (3, 4)},
        best,
        left_over,
        depthwise_separable_cost((3, 3), 3, 4, positions=(SIZE - 2, SIZE - 2)),
        lambda params: params["depthwise"][:, :, 0, :, None] * params["pointwise"],
    )


def _local(x: Images) -> Images:
    return locally_connected(grey(x), jnp.asarray(LOCAL))


def _dilated(x: Images) -> Images:
    return convolution({"kernel": jnp.asarray(SHARPEN)}, x, dilation=2)


QUARTERS = np.full((2, 2, 1, 1), 0.25, np.float32)
CENTRE = np.where(SHARPEN > 0, SHARPEN, 0)
ON_SIX, ON_FOUR = (SIZE - 2, SIZE - 2), (SIZE // 2, SIZE // 2)
STRIDED_COST = convolution_cost((2, 2), 1, 1, positions=ON_FOUR, bias=False)

LESSONS = {
    "convolution": Lesson(
        "convolution ← four filters",
        lambda x: convolution({"kernel": jnp.asarray(FOUR)}, x),
        convolution,
        {"kernel": FOUR.shape},
        FOUR,
        0.0,
        convolution_cost((3, 3), 1, 4, positions=ON_SIX, bias=False),
    ),
    "strided": Lesson(
        "stride 2 ← mean pooling",
        lambda x: average_pool(grey(x), window=2, count_padding=True),
        lambda params, x: convolution(params, x, stride=2),
        {"kernel": QUARTERS.shape},
        QUARTERS,
        0.0,
        STRIDED_COST,
    ),
    "strided_of_max": Lesson(  # by symmetry the weights are ¼, as often each is the largest
        "stride 2 and a bias ← max pooling",
        lambda x: max_pool(grey(x), window=2),
        lambda params, x: convolution(params, x, stride=2) + params["bias"],
        {"kernel": QUARTERS.shape, "bias": (1,)},
        np.append(QUARTERS, np.float32(MEAN_OF_FOUR)),
        VARIANCE_OF_FOUR - 4 * 0.25**2,
        convolution_cost((2, 2), 1, 1, positions=ON_FOUR),
        lambda params: jnp.append(params["kernel"], params["bias"]),
    ),
    "locally_connected": Lesson(
        "locally connected ← from blur to edges",
        _local,
        lambda params, x: locally_connected(grey(x), params["kernel"]),
        {"kernel": LOCAL.shape},
        LOCAL,
        0.0,
        locally_connected_cost((3, 3), 1, 1, positions=ON_SIX),
    ),
    "convolution_of_local": Lesson(
        "convolution ← from blur to edges",
        _local,
        convolution,
        {"kernel": BLUR.shape},
        LOCAL.mean(axis=(0, 1)),
        float(SHARE.var() * ((EDGES - BLUR) ** 2).sum()),
        convolution_cost((3, 3), 1, 1, positions=ON_SIX, bias=False),
    ),
    "separable": _separable("separable ← a product of kernels", PRODUCT),
    "separable_of_full": _separable("separable ← no product", FULL),
    "dilated": Lesson(
        "dilated ← dilated",
        _dilated,
        lambda params, x: convolution(params, x, dilation=2),
        {"kernel": SHARPEN.shape},
        SHARPEN,
        0.0,
        convolution_cost((3, 3), 1, 1, positions=ON_FOUR, bias=False),
    ),
    "convolution_of_dilated": Lesson(
        "convolution ← dilated",
        _dilated,
        lambda params, x: convolution(params, x[:, 1:-1, 1:-1]),
        {"kernel": SHARPEN.shape},
        CENTRE,
        float(((SHARPEN - CENTRE) ** 2).sum()),
        convolution_cost((3, 3), 1, 1, positions=ON_FOUR, bias=False),
    ),
    "transposed": Lesson(  # blocks do not overlap, so the pseudoinverse is the adjoint over the squared norm
        "transposed ← the image before stride 2",
        grey,
        lambda params, x: convolve_transposed(
            convolution({"kernel": jnp.asarray(ENCODER)}, x, stride=2), params["kernel"], stride=2
        ),
        {"kernel": ENCODER.shape},
        ENCODER / (ENCODER**2).sum(),
        1 - 1 / 4,
        transposed_convolution_cost((2, 2), 1, 1, positions=ON_FOUR, space=(SIZE, SIZE)),
    ),
}
