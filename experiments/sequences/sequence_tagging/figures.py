"""Tagged sequences, letter by letter."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.generated_sequences import BRACKETS, TAGS
from experiments.plots.canvas import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def tagged(
    symbols: Int[np.ndarray, "examples places"],
    tags: Int[np.ndarray, "examples places"],
    lengths: Int[np.ndarray, " examples"],
    probabilities: Float[np.ndarray, "examples places tags"],
) -> "Figure":
    """Each bracket on a ground from blue, surely alone, to red, surely with a partner; what is wrong has a frame."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    rows, columns = symbols.shape
    figure = Figure(figsize=(8.4, 0.8 + 0.33 * rows), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlim=(-0.05, columns + 0.05), ylim=(rows, -0.05), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    colours = colormaps["coolwarm"]
    for row, length in enumerate(lengths):
        for column in range(length):
            place = probabilities[row, column]
            if BRACKETS[symbols[row, column]] != "x":
                share = place[TAGS.index("partner")] / (place[TAGS.index("partner")] + place[TAGS.index("alone")])
                axes.add_patch(Rectangle((column, row), 1, 0.9, color=colours(float(share)), linewidth=0))
            if place.argmax() != tags[row, column]:
                frame = Rectangle((column + 0.05, row + 0.03), 0.9, 0.84, fill=False, edgecolor=PALETTE[2], linewidth=2)
                axes.add_patch(frame)
            letter = BRACKETS[symbols[row, column]]
            axes.text(column + 0.5, row + 0.45, letter, ha="center", va="center", fontsize=9, family="monospace")
    axes.set_title("has each bracket a partner? (green frame: wrong)", loc="left", fontsize=10)
    figure.colorbar(ScalarMappable(cmap=colours), ax=axes, label="probability of a partner", fraction=0.03)
    return figure
