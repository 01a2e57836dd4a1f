"""Drawn digits, and how they come out of noise."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float, Int

from experiments.plots.images import image_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 10
"""Steps of a strip."""


def rows_of_classes(images: Float[Array, "images height width channels"], of_each: int) -> "Figure":
    """A row of drawn images for each class."""
    return image_grid(images, columns=of_each, title="drawn, a row a class")


def evenly(steps: int, shown: int) -> Int[np.ndarray, " shown"]:
    """Which steps are shown, the first and the last among them."""
    return np.linspace(0, steps - 1, shown).round().astype(int)


def denoising_strips(strips: Float[Array, "images steps height width channels"]) -> "Figure":
    """Of each image in a row what it was taken for from the first step, of noise alone, to the last."""
    chosen = np.asarray(strips)[:, evenly(strips.shape[1], SHOWN)]
    return image_grid(chosen.reshape(-1, *strips.shape[2:]), columns=SHOWN, title="what is seen in noise")
