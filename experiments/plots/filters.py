"""The weights from the values of an image to units, as images."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.plots.images import image_grid, image_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 100
"""Units that are drawn, at most."""


def filter_images(kernel: Float[Array, "pixels units"], shape: tuple[int, ...]) -> Float[np.ndarray, " units *shape"]:
    """The weights of every unit as an image, the units of largest norm first: 0 is grey, the largest is black or white.

    ``shape`` is that of an image of the pixels.
    """
    columns = np.asarray(kernel).T
    columns = columns[np.argsort(-np.linalg.norm(columns, axis=1), kind="stable")]
    largest = np.abs(columns).max(axis=1, keepdims=True)
    return (0.5 + 0.5 * columns / np.where(largest > 0, largest, 1)).reshape(-1, *shape)


def filter_grid(
    kernel: Float[Array, "pixels units"], shape: tuple[int, ...], *, title: str = "weights of the first layer"
) -> "Figure":
    """The units of largest norm."""
    shown = filter_images(kernel, shape)[:MOST]
    return image_grid(shown, columns=min(20, len(shown)), title=title)


def filter_pairs(
    kernels: Mapping[str, Float[Array, "pixels units"]], shape: tuple[int, ...], *, title: str
) -> "Figure":
    """The 32 units of largest norm of two nets, those of the first over those of the second, by the nets' names."""
    first, second = kernels
    shown = min(32, *(kernel.shape[1] for kernel in kernels.values()))
    both = [filter_images(kernel, shape)[:shown] for kernel in kernels.values()]
    return image_pairs(*both, columns=16, labels=(first, second), title=title)
