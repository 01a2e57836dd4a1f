"""Pictures of a normalised network."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.plots.canvas import PALETTE, canvas
from train.task import Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def statistics_by_layer(statistics: Params) -> "Figure":
    """Running means of every channel, with one running deviation to either side, a colour for each layer."""
    figure, axes = canvas("running statistics: mean ± deviation of every channel")
    first = 0
    for number, (layer, moments) in enumerate(sorted(statistics.items())):
        mean, deviation = np.asarray(moments["mean"]), np.sqrt(np.asarray(moments["variance"]))
        places = first + np.arange(len(mean))
        axes.errorbar(places, mean, deviation, fmt="o", markersize=3, linewidth=1, color=PALETTE[number], label=layer)
        first += len(mean) + 1
    axes.set(xlabel="channel", ylabel="before normalisation")
    axes.legend(frameon=False, fontsize=9)
    return figure
