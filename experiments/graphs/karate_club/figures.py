"""The club on a plane."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.plots.canvas import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def club(
    places: Mapping[str, Float[np.ndarray, "nodes 2"]],
    edges: Int[np.ndarray, "edges 2"],
    labels: Int[np.ndarray, " nodes"],
    known: Int[np.ndarray, " known"],
    class_names: Sequence[str],
) -> "Figure":
    """Members, numbered from 0, and who meets whom, a panel for each time; those whose faction is known are large."""
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(places), 4.8), dpi=144, layout="constrained")
    panels = figure.subplots(1, len(places), squeeze=False)[0]
    sizes = np.where(np.isin(np.arange(len(labels)), known), 190, 80)
    for axes, (when, where) in zip(panels, places.items(), strict=True):
        axes.add_collection(LineCollection(where[edges], colors="0.8", linewidths=0.5, zorder=1))
        for label, name in enumerate(class_names):
            of_class = labels == label
            axes.scatter(*where[of_class].T, s=sizes[of_class], color=PALETTE[label], zorder=2, label=name)
        for member, (x, y) in enumerate(where):
            axes.text(x, y, str(member), color="white", fontsize=6, ha="center", va="center", zorder=3, clip_on=True)
        axes.set_title(f"{when}; large: faction known", loc="left", fontsize=10)
        axes.set(xlabel="first unit", ylabel="second unit")
        axes.margins(0.1)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=8, markerscale=0.7)
    return figure
