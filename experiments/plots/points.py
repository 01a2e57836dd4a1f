"""Pictures of points in the plane: clouds side by side, and what is thought of every place."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.plots.canvas import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Float[Array, "points 2"] | Float[np.ndarray, "points 2"]


def extent(points: Points) -> float:
    """The half side of a square around the origin that holds the points with some room."""
    return 1.3 * float(np.abs(np.asarray(points)).max())


def clouds(points: Mapping[str, Points], *, half: float) -> "Figure":
    """Clouds of points side by side in equal squares, each under its name; what lies outside is not seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.4 + 3.4 * len(points), 3.6), dpi=144, layout="constrained")
    panels = figure.subplots(1, len(points), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (name, cloud), colour in zip(panels, points.items(), PALETTE, strict=False):
        axes.scatter(*np.asarray(cloud).T, s=3, color=colour, alpha=0.4, linewidths=0)
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xlabel="first coordinate")
        axes.set_title(name, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("second coordinate")
    return figure


def opinion_map(
    ticks: Float[np.ndarray, " ticks"],
    opinions: Float[np.ndarray, "ticks ticks"],
    points: Points,
    *,
    label: str,
    title: str,
) -> "Figure":
    """Shades of ``opinions[row, column]`` at second and first coordinate, white in the middle, and points over them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    most = max(float(np.abs(opinions).max()), 1e-6)
    shade = axes.pcolormesh(ticks, ticks, opinions, cmap="RdBu", vmin=-most, vmax=most, rasterized=True)
    figure.colorbar(shade, ax=axes, label=label, fraction=0.05)
    axes.scatter(*np.asarray(points).T, s=4, color="black", alpha=0.6, linewidths=0)
    axes.set(xlim=(ticks[0], ticks[-1]), ylim=(ticks[0], ticks[-1]), aspect="equal")
    axes.set(xlabel="first coordinate", ylabel="second coordinate")
    axes.set_title(title, fontsize=10)
    return figure
