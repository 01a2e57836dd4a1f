"""Codes of two numbers as points of a plane."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float, Int

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Float[Array, "examples 2"] | Float[np.ndarray, "examples 2"]
CLASS_COLOURS = "tab10"


def code_planes(planes: Mapping[str, Points], labels: Int[np.ndarray, " examples"]) -> "Figure":
    """Codes of two numbers, each example a point in its class's colour, a panel for each model."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(planes) + 0.6, 4.4), dpi=144, layout="constrained")
    panels = figure.subplots(1, len(planes), squeeze=False)[0]
    colours = colormaps[CLASS_COLOURS]
    for axes, (title, points) in zip(panels, planes.items(), strict=True):
        for label in np.unique(labels):
            of_class = np.asarray(points)[labels == label]
            axes.scatter(*of_class.T, s=7, color=colours(int(label) % 10), label=str(label), linewidths=0)
            middle = np.median(of_class, axis=0)
            named = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.8}
            axes.text(*middle, str(label), ha="center", va="center", fontsize=11, weight="bold", bbox=named)
        axes.set_title(title, fontsize=11)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#bbbbbb")
    return figure
