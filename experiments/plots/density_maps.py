"""Densities of the plane as maps, with points and ways on them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, PIXELS_PER_INCH, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Map = Float[np.ndarray, "rows columns"]
Points = Float[np.ndarray, "points 2"]


def density_maps(densities: Mapping[str, Map], points: Mapping[str, Points], *, reach: float) -> "Figure":
    """A panel for each density of the square [−reach, reach]², with one scale of colours, that of the first; then one
    for each cloud of points.
    """
    from matplotlib.figure import Figure

    count = len(densities) + len(points)
    figure = Figure(figsize=(3.0 * count, 3.3), dpi=PIXELS_PER_INCH * 1.4, layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    most = next(iter(densities.values())).max()
    for axes, (title, density) in zip(panels, densities.items(), strict=False):
        _map(axes, title, density, reach=reach, most=most)
    for axes, (title, cloud) in zip(panels[len(densities) :], points.items(), strict=True):
        axes.plot(*cloud.T, ".", color=PALETTE[0], markersize=1.0)
        _frame(axes, title, reach)
    return figure


def ways_over(density: Map, ways: Mapping[str, Sequence[Points]], *, reach: float) -> "Figure":
    """Ways from point to point over a density: a panel for each kind of way, a line for each, its ends marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0 * len(ways), 4.2), dpi=PIXELS_PER_INCH * 1.4, layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(1, len(ways), squeeze=False)[0], ways.items(), strict=True):
        _map(axes, title, density, reach=reach, most=density.max(), colours="Greys")
        for number, line in enumerate(lines):
            colour = PALETTE[number % len(PALETTE)]
            axes.plot(*line.T, color=colour, linewidth=1.6)
            axes.plot(*line[[0, -1]].T, "o", color=colour, markersize=5)
    return figure


def _map(axes: "Axes", title: str, density: Map, *, reach: float, most: float, colours: str = "magma") -> None:
    extent = (-reach, reach, -reach, reach)
    axes.imshow(density, origin="lower", extent=extent, cmap=colours, vmin=0, vmax=most, interpolation="nearest")
    _frame(axes, title, reach)


def _frame(axes: "Axes", title: str, reach: float) -> None:
    axes.set_title(literal(title), loc="left", fontsize=10)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_xticks([-2, 0, 2])
    axes.set_yticks([-2, 0, 2])
    axes.tick_params(labelsize=9)
