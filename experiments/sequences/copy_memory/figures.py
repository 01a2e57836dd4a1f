"""What was remembered, letter by letter."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE, light_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LETTERS = "·ABCDEFGH"
"""Nothing, and the eight symbols."""


def recall(
    target: Int[np.ndarray, "examples copied"],
    said: Int[np.ndarray, "examples copied"],
    costs: Float[np.ndarray, " places"],
    averaged: int,
) -> "Figure":
    """The ten symbols as they are said, wrong ones on a ground; and what each place costs, a mean over ``averaged``
    sequences.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.0), dpi=144, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 4))
    _letters(left, target, said)
    chance = 10 * np.log(8) / len(costs)
    right.plot(costs, color=PALETTE[0])
    right.axhline(np.log(8), color=PALETTE[6], linestyle=":", label="guessing one of eight: ln 8")
    right.set(xlabel="place", ylabel="nats", ylim=(0, 1.1 * max(np.log(8), costs.max())))
    cost = f"cost of {counted(averaged, 'sequence')}: {measured(float(costs.mean()))} nats a place"
    right.set_title(f"{cost}\nwithout memory: {chance:.4g}", fontsize=9)
    light_grid(right)
    right.legend(frameon=False, fontsize=8, loc="center left")
    return figure


def _letters(
    axes: "Axes", target: Int[np.ndarray, "examples copied"], said: Int[np.ndarray, "examples copied"]
) -> None:
    from matplotlib.patches import Rectangle

    rows, columns = target.shape
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title("said again (coloured ground: wrong)", fontsize=9)
    for row, column in np.ndindex(rows, columns):
        if said[row, column] != target[row, column]:
            axes.add_patch(Rectangle((column, row), 1, 1, color=PALETTE[1], linewidth=0))
        letter = LETTERS[said[row, column]]
        axes.text(column + 0.5, row + 0.5, letter, ha="center", va="center", fontsize=8, family="monospace")
