"""Expressions as trees, and how the error grows with their depth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.datasets.generated_structures import KINDS
from experiments.numerals import quantity
from experiments.plots.canvas import PALETTE, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Tree = tuple[Int[np.ndarray, " nodes"], Int[np.ndarray, "nodes 2"], Float[np.ndarray, " nodes"], int]
"""Kinds, children, the probability of 1 at each node, and the root."""


def error_by_depth(depths: Int[np.ndarray, " examples"], wrong: Bool[np.ndarray, " examples"]) -> "Figure":
    """The share of wrong values among the trees of each depth."""
    figure, axes = canvas(f"wrong values: {quantity(100 * float(wrong.mean()), unit='%')} of all test trees")
    present = np.unique(depths)
    shares = [100 * wrong[depths == depth].mean() for depth in present]
    axes.bar(present, shares, color=PALETTE[0])
    axes.axhline(50, color=PALETTE[6], linestyle=":", label="guessing")
    axes.set(xlabel="depth of the tree", ylabel="wrong (%)", xticks=present, ylim=(0, max(55, 1.05 * max(shares))))
    axes.legend(frameon=False)
    return figure


def values_in_trees(trees: Sequence[Tree]) -> "Figure":
    """Each node on a ground from blue, surely 0, to red, surely 1: only the root's value was ever asked for."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(trees) + 0.6, 3.8), dpi=144, layout="constrained")
    panels = figure.subplots(1, len(trees), squeeze=False)[0]
    for axes, tree in zip(panels, trees, strict=True):
        _draw(axes, tree)
    figure.suptitle("probability of 1 at each node", fontsize=10)
    figure.colorbar(ScalarMappable(cmap="coolwarm"), ax=panels, fraction=0.03)
    return figure


def _draw(axes: "Axes", tree: Tree) -> None:
    from matplotlib import colormaps

    kinds, children, probabilities, root = tree
    places: dict[int, tuple[float, int]] = {}

    def lay_out(node: int, depth: int) -> float:
        below = [lay_out(int(child), depth + 1) for child in children[node] if child >= 0]
        column = float(np.mean(below)) if below else float(sum(not (children[other] >= 0).any() for other in places))
        places[node] = (column, -depth)
        return column

    lay_out(root, 0)
    for node, (x, y) in places.items():
        for child in children[node]:
            if child >= 0:
                axes.plot(*zip((x, y), places[int(child)], strict=True), color="0.6", linewidth=0.8, zorder=0)
        ink = "white" if abs(probabilities[node] - 0.5) > 0.3 else "black"
        box = dict(boxstyle="round", facecolor=colormaps["coolwarm"](float(probabilities[node])), edgecolor="none")
        axes.text(x, y, KINDS[kinds[node]], ha="center", va="center", fontsize=7, color=ink, bbox=box)
    axes.set(xticks=[], yticks=[])
    axes.margins(0.12)
    axes.spines[:].set_visible(False)
