"""Pictures of images with a few pixels repainted, and of what they are taken for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.classifier import confusion
from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 12


def attack_figures(
    images: Float[np.ndarray, "images height width channels"],
    labels: Int[np.ndarray, " images"],
    attacked: Mapping[int, Float[np.ndarray, "images height width channels"]],
    probabilities: Mapping[int, Float[np.ndarray, "images classes"]],
) -> "dict[str, Figure]":
    """By how many pixels: the images, how probable their own class still is, and for the fewest pixels which class is
    taken for which.
    """
    rows = {"as they are": images[:SHOWN]}
    rows |= {counted(count, "pixel"): each[:SHOWN] for count, each in attacked.items()}
    fewest = min(probabilities)
    return {
        "attacked": image_rows(rows, title="images and attacks"),
        "confidence": left_of_the_truth(
            {count: each[np.arange(len(labels)), labels] for count, each in probabilities.items()}
        ),
        "classes": confusion(labels, probabilities[fewest].argmax(axis=1), thing="attacked image"),
    }


def left_of_the_truth(probabilities: Mapping[int, Float[np.ndarray, " images"]]) -> "Figure":
    """The probability of the images' own class after the attack, in ascending order."""
    count = len(next(iter(probabilities.values())))
    figure, axes = canvas(f"the own class of {counted(count, 'attacked image')}")
    share = 100 * (np.arange(count) + 0.5) / count
    for (pixels, values), colour in zip(probabilities.items(), PALETTE, strict=False):
        mean = measured(100 * float(values.mean()))
        axes.plot(share, 100 * np.sort(values), color=colour, label=f"{counted(pixels, 'pixel')}: {mean} % on average")
    axes.set(xlabel="images, in ascending order (%)", ylabel="probability of the own class (%)")
    axes.set(xlim=(0, 100), ylim=(0, 101))
    axes.legend(frameon=False, fontsize=9)
    return figure
