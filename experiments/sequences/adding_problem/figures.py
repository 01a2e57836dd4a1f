"""The adding problem in pictures."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANCE = 1 / 6
"""What answering 1 costs: the variance of a sum of two uniform numbers."""


def answers(target: Float[np.ndarray, " examples"], answered: Float[np.ndarray, " examples"]) -> "Figure":
    """Every answer over the sum that it should be."""
    error = measured(float(np.mean((answered - target) ** 2)))
    shown = counted(len(target), "sequence")
    figure, axes = canvas(f"squared error of these {shown}: {error}")
    axes.axhline(1, color=PALETTE[6], linestyle=":", label=f"answering 1: {CHANCE:.4f}")
    axes.plot([0, 2], [0, 2], color=PALETTE[6], linewidth=1, label="the sum itself")
    axes.plot(target, answered, ".", color=PALETTE[0], markersize=4, label="network")
    axes.set(xlabel="sum of the two marked numbers", ylabel="answer")
    axes.legend(frameon=False)
    return figure


def influence(slopes: Float[np.ndarray, "examples places"], marked: Int[np.ndarray, "examples 2"]) -> "Figure":
    """How the answer changes with each number: it should be 1 at the marked ones (ringed), and 0 elsewhere."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.6), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(slopes, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    rows = np.repeat(np.arange(len(marked)), 2)
    axes.plot(marked.ravel(), rows, "o", markerfacecolor="none", markeredgecolor="black", markersize=7)
    axes.set(xlabel="place", ylabel="test sequence", yticks=range(0, len(marked), 2))
    axes.set_title("slope of the answer by each number (ring: marked)", loc="left", fontsize=11)
    figure.colorbar(shown, ax=axes, label="slope")
    return figure
