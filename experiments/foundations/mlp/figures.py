"""What several perceptrons say together."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.plots.canvas import PALETTE, light_grid


def averaging(panels: Mapping[str, Float[np.ndarray, "networks networks"]]) -> Figure:
    """Each measure over the number of networks that are averaged: of every set of them a point, and the sets' mean."""
    figure = Figure(figsize=(4.2 * len(panels), 3.2), dpi=144, layout="constrained")
    for axes, (label, measured) in zip(
        figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True
    ):
        sizes = np.arange(1, len(measured) + 1)
        for size, sets in zip(sizes, measured, strict=True):
            axes.scatter(np.full(len(sets), size), sets, s=14, color=PALETTE[0], alpha=0.3, linewidths=0)
        axes.plot(sizes, measured.mean(axis=1), color=PALETTE[0], marker="o", markersize=4)
        axes.set(xlabel="networks averaged", ylabel=f"test {label}", xticks=sizes[:: -(-len(sizes) // 10)])
        axes.set_ylim(bottom=0)
        light_grid(axes)
    figure.suptitle("Averaged outputs: sets of networks, and their mean", fontsize=10)
    return figure
