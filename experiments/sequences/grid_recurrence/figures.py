"""Mazes, and the ways through them."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ways(
    free: Float[np.ndarray, "grids rows columns"],
    reached: Float[np.ndarray, "grids rows columns"],
    probabilities: Float[np.ndarray, "grids rows columns"],
) -> "Figure":
    """Each grid in black where it is closed; below, in blue, the probability that a way leads to a cell."""
    from matplotlib.figure import Figure

    count = len(free)
    figure = Figure(figsize=(2.6 * count + 0.6, 5.6), dpi=144, layout="constrained")
    axes = figure.subplots(2, count, squeeze=False)
    for column, (cells, truth, known) in enumerate(zip(free, reached, probabilities, strict=True)):
        above, below = axes[:, column]
        above.imshow(np.where(cells > 0.5, 0.5 * truth, 1.0), cmap="Greys", vmin=0, vmax=1)
        shown = below.imshow(np.ma.masked_where(cells < 0.5, known), cmap="Blues", vmin=0, vmax=1)
        below.set_facecolor("black")
        wrong = np.argwhere((known > 0.5) != (truth > 0.5))
        below.plot(wrong[:, 1], wrong[:, 0], "x", color=PALETTE[1], markersize=5)
        below.set_xlabel(f"{len(wrong)} of {known.size} wrong", fontsize=9)
        for panel in (above, below):
            panel.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("grey: a way leads there")
    axes[1, 0].set_ylabel("what the network says (×: wrong)")
    figure.suptitle("cells to which a way leads, right and down from the corner", fontsize=10)
    figure.colorbar(shown, ax=axes[1], fraction=0.03, label="probability")
    return figure
