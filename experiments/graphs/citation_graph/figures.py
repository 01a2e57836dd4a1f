"""Pictures of classified nodes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.plots.canvas import PALETTE, canvas, literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEGREES = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 5), (6, 9), (10, np.inf))
"""Ranges of the number of neighbours, ends included."""


def node_map(
    plane: Float[np.ndarray, "nodes 2"], labels: Int[np.ndarray, " nodes"], class_names: Sequence[str]
) -> "Figure":
    """Each test node where the network puts it, in the colour of its true class."""
    figure, axes = canvas("test nodes: log-probabilities, first two principal components")
    for label in np.unique(labels):
        of_class = plane[labels == label]
        name = literal(class_names[label]) if class_names else f"class {label}"
        axes.scatter(*of_class.T, s=8, alpha=0.7, linewidths=0, color=PALETTE[label % len(PALETTE)], label=name)
    axes.set(xlabel="first component", ylabel="second component")
    axes.legend(frameon=False, fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def error_by_degree(degrees: Int[np.ndarray, " nodes"], wrong: Bool[np.ndarray, " nodes"]) -> "Figure":
    """The error in % of test nodes with so many neighbours, and how many such nodes there are."""
    figure, axes = canvas("test error by number of neighbours (above: nodes)")
    groups = [(low, high, (degrees >= low) & (degrees <= high)) for low, high in DEGREES]
    shown = [(low, high, 100 * wrong[group].mean(), group.sum()) for low, high, group in groups if group.any()]
    for place, (_, _, error, count) in enumerate(shown):
        axes.bar(place, error, 0.7, color=PALETTE[0])
        axes.annotate(f"{count:,}", (place, error), (0, 3), textcoords="offset points", ha="center", fontsize=8)
    names = [f"{low}" if low == high else f"{low}+" if high == np.inf else f"{low}–{high}" for low, high, *_ in shown]
    axes.set_xticks(range(len(shown)), names)
    axes.set(xlabel="neighbours", ylabel="test error (%)")
    axes.margins(y=0.12)
    return figure
