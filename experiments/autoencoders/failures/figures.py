"""The table of autoencoders' failures as a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Column(NamedTuple):
    """How a measure is shown."""

    measure: str
    """what is measured"""
    detail: str
    """of what, or in which unit"""
    best: Literal["lowest", "highest"]
    """which value is drawn darkest"""
    form: str = ".2f"
    """of a value"""


COLUMNS = {
    "error": Column("error", "new digits", "lowest"),
    "training_error": Column("error", "trained digits", "lowest"),
    "scrambled_error": Column("error", "scrambled digits", "highest"),
    "denoising": Column("noise", "removed (dB)", "highest"),
    "class_error": Column("class wrong", "nearest mean (%)", "lowest", ".1f"),
}
ARROWS = {"lowest": "↓", "highest": "↑"}


def goodness(values: Float[np.ndarray, "nets measures"], measures: Sequence[str]) -> Float[np.ndarray, "nets measures"]:
    """How good each value is among those of its column: 0 is the worst, 1 the best, or any of equals."""
    signs = np.array([-1.0 if COLUMNS[measure].best == "lowest" else 1.0 for measure in measures])
    signed = values * signs
    low, high = signed.min(axis=0), signed.max(axis=0)
    return np.where(high > low, (signed - low) / np.where(high > low, high - low, 1.0), 1.0)


def table_of(measured: Mapping[str, float], names: Sequence[str], measures: Sequence[str]) -> "Figure":
    """A row a net, a column a measure; the darker a cell, the better its value among its column's."""
    from matplotlib.figure import Figure

    values = np.array([[measured[f"{name}/{measure}"] for measure in measures] for name in names])
    figure = Figure(figsize=(7.6, 0.27 * len(names) + 1.3), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(goodness(values, measures), cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = format(value, COLUMNS[measures[column]].form)
        axes.text(column, row, text, ha="center", va="center", fontsize=9)
    columns = [COLUMNS[measure] for measure in measures]
    headings = [f"{column.measure} {ARROWS[column.best]}\n{column.detail}" for column in columns]
    axes.set_xticks(range(len(columns)), headings, fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(names)), [name.replace("_", " ").replace("/", " · ") for name in names], fontsize=9)
    axes.set_xlabel("darker is better, column by column: ↓ the lowest, ↑ the highest is best", fontsize=9)
    designs = [name.partition("/")[0] for name in names]
    for row in range(1, len(names)):
        if designs[row] != designs[row - 1]:
            axes.axhline(row - 0.5, color="white", linewidth=4)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
