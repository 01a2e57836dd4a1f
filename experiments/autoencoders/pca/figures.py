"""What PCA is not: linear regression errs along one coordinate, PCA across its direction."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.numerals import significant
from experiments.plots.canvas import PALETTE, PIXELS_PER_INCH, light_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 60
"""how many are drawn"""


class Line(NamedTuple):
    """A line through the mean of points in the plane, and where on it each point is taken to lie."""

    name: str
    slope: float
    """infinite where the line is upright"""
    feet: Float[np.ndarray, "points 2"]


def related_pixels(images: Float[np.ndarray, "images height width channels"]) -> Float[np.ndarray, "images 2"]:
    """The values of that pixel and its right neighbour, in the first channel, whose covariance is the largest."""
    left, right = images[:, :, :-1, 0], images[:, :, 1:, 0]
    covariance = (left * right).mean(axis=0) - left.mean(axis=0) * right.mean(axis=0)
    row, column = np.unravel_index(np.argmax(covariance), covariance.shape)
    return np.stack([left[:, row, column], right[:, row, column]], axis=1)


def regression_line(points: Float[np.ndarray, "points 2"]) -> Line:
    """The line of least squared error along the second coordinate; a point's foot is above or below it."""
    (x, y), centre = points.T, points.mean(axis=0)
    slope = ((x - centre[0]) * (y - centre[1])).sum() / ((x - centre[0]) ** 2).sum()
    return Line("linear regression", slope, np.stack([x, centre[1] + slope * (x - centre[0])], axis=1))


def principal_line(points: Float[np.ndarray, "points 2"]) -> Line:
    """That of the first principal component, of least squared distance; a point's foot is the nearest point of it."""
    centre = points.mean(axis=0)
    direction = np.linalg.svd(points - centre, full_matrices=False)[2][0]
    with np.errstate(divide="ignore"):
        slope = direction[1] / direction[0]
    return Line("first component", slope, centre + np.outer((points - centre) @ direction, direction))


def compare_lines(images: Float[np.ndarray, "images height width channels"]) -> "Figure":
    """Both lines through two pixels' values, each with the errors whose squares it makes least."""
    from matplotlib.figure import Figure

    points = related_pixels(images)
    figure = Figure(figsize=(8.4, 4.9), dpi=1.5 * PIXELS_PER_INCH, layout="compressed")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, line, colour in zip(panels, (regression_line(points), principal_line(points)), PALETTE, strict=False):
        _draw_line(axes, points, line, colour)
    panels[0].set_ylabel("its right neighbour")
    return figure


def _draw_line(axes: "Axes", points: Float[np.ndarray, "points 2"], line: Line, colour: str) -> None:
    error = ((points - line.feet) ** 2).sum(axis=1).mean()
    axes.axline(tuple(points.mean(axis=0)), slope=line.slope, color=colour)
    shown = slice(0, POINTS)
    ends = np.stack([points[shown], line.feet[shown]], axis=1)
    for end in ends:
        axes.plot(*end.T, color=colour, linewidth=0.8, alpha=0.6)
    axes.plot(*points[shown].T, "o", color=PALETTE[-1], markersize=3)
    axes.set_title(f"{line.name}: mean squared error {significant(error, 3)}", loc="left", fontsize=10)
    axes.set(xlabel="a pixel", xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), aspect="equal")
    light_grid(axes)
