"""The table of autoencoders' failures as a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADINGS = {
    "error": "error on\nnew digits",
    "training_error": "error on\ntrained digits",
    "scrambled_error": "error on\nscrambled digits",
    "denoising": "noise removed\n(dB)",
    "class_error": "nearest class mean\nwrong (%)",
}


def table_of(measured: Mapping[str, float], names: Sequence[str], measures: Sequence[str]) -> "Figure":
    """A row a net, a column a measure; the darker a cell, the greater its value among its column's."""
    from matplotlib.figure import Figure

    values = np.array([[measured[f"{name}/{measure}"] for measure in measures] for name in names])
    low, high = values.min(axis=0), values.max(axis=0)
    figure = Figure(figsize=(7.6, 0.27 * len(names) + 0.9), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow((values - low) / np.where(high > low, high - low, 1), cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(measures)), [HEADINGS[measure] for measure in measures], fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(names)), [name.replace("_", " ").replace("/", " · ") for name in names], fontsize=8)
    designs = [name.partition("/")[0] for name in names]
    for row in range(1, len(names)):
        if designs[row] != designs[row - 1]:
            axes.axhline(row - 0.5, color="white", linewidth=4)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
