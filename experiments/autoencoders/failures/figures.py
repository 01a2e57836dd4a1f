"""The table of autoencoders' failures as a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments import numerals

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


class Column(NamedTuple):
    """How a measure is shown."""

    measure: str
    """what is measured"""
    detail: str
    """of what, or in which unit"""
    best: Literal["lowest", "highest"]
    """which value is drawn darkest"""


COLUMNS = {
    "error": Column("error", "new images", "lowest"),
    "training_error": Column("error", "trained images", "lowest"),
    "scrambled_error": Column("error", "scrambled images", "highest"),
    "denoising": Column("noise", "removed (dB)", "highest"),
    "class_error": Column("class wrong", "nearest mean (%)", "lowest"),
}
ARROWS = {"lowest": "↓", "highest": "↑"}


def goodness(values: Float[np.ndarray, "nets measures"], measures: Sequence[str]) -> Float[np.ndarray, "nets measures"]:
    """How good each value is among those of its column: 0 is the worst, 1 the best, or any of equals."""
    signs = np.array([-1.0 if COLUMNS[measure].best == "lowest" else 1.0 for measure in measures])
    signed = values * signs
    low, high = signed.min(axis=0), signed.max(axis=0)
    return np.where(high > low, (signed - low) / np.where(high > low, high - low, 1.0), 1.0)


def table_of(measured: Mapping[str, float], names: Sequence[str], measures: Sequence[str], *, images: int) -> "Figure":
    """A row a net, a column a measure over so many test images; the darker a cell, the better its value among its
    column's.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    values = np.array([[measured[f"{name}/{measure}"] for measure in measures] for name in names])
    figure = Figure(figsize=(8.4, 0.27 * len(names) + 2.0), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    pale = ListedColormap(colormaps["Blues"](np.linspace(0, 0.62, 256)))  # black text is read on all of it
    shade = axes.imshow(goodness(values, measures), cmap=pale, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, numerals.measured(float(value)), ha="center", va="center", fontsize=9)
    columns = [COLUMNS[measure] for measure in measures]
    headings = [f"{column.measure} {ARROWS[column.best]}\n{column.detail}" for column in columns]
    axes.set_xticks(range(len(columns)), headings, fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(names)), [name.replace("_", " ").replace("/", " · ") for name in names], fontsize=9)
    compared = f"{numerals.counted(len(names), 'net')} on {numerals.counted(images, 'test image')}"
    axes.set_title(compared, fontsize=10, pad=10)
    _explain(shade)
    designs = [name.partition("/")[0] for name in names]
    for row in range(1, len(names)):
        if designs[row] != designs[row - 1]:
            axes.axhline(row - 0.5, color="white", linewidth=4)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _explain(shade: "AxesImage") -> None:
    """A colour bar below, which says that one direction is better in all columns."""
    bar = shade.figure.colorbar(shade, ax=shade.axes, orientation="horizontal", aspect=40, fraction=0.03, pad=0.02)
    bar.set_ticks([0, 1], labels=["worst", "best"])
    bar.set_label("darker is better, in every column by itself (↓ the lowest, ↑ the highest is best)", fontsize=9)
    bar.ax.tick_params(length=0, labelsize=9)
    bar.outline.set_visible(False)
