"""Pictures of a latent space: what is decoded where, and the geometry that the decoder gives to a plane of codes."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.datasets.generated import SHAPE_FACTORS
from experiments.evaluations.codec import Rows
from experiments.evaluations.latent_examples import Chart
from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE
from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "samples": "at distances from the prior's mode",
    "interpolation": "between codes of test images",
    "analogies": "code − mean of label + mean of next",
    "boundaries": "where the label changes",
    "factor_analogies": "arithmetic on codes",
    "traversals": "one latent at a time",
}
RECONSTRUCTED_BY = {
    "original": "original",
    "first": "first model",
    "second": "second model",
    "stitched_least_squares": "linear map",
    "stitched_procrustes": "rotation",
    "stitched_random": "random map",
}


def row_figures(rows: dict[str, Rows], support: int) -> dict[str, "Figure"]:
    """Rows of images; those of ``stitching`` are by two models, and by one's encoder with the other's decoder."""
    titles = TITLES | {"stitching": f"a linear map fitted on {counted(support, 'image')}"}

    def figure(name: str) -> "Figure":
        return image_rows(
            {RECONSTRUCTED_BY.get(row, row): made for row, made in rows[name].items()}, title=titles[name]
        )

    return {name: figure(name) for name in rows}


def chart_figure(chart: Chart, labels: Array | None) -> "Figure":
    """The plane of codes: how much the decoder magnifies it, where the images lie, and shortest curves between some."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 6.0), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    levels = np.log10(np.maximum(np.asarray(chart.magnification), 1e-6))
    shade = axes.pcolormesh(chart.across, chart.up, levels, cmap="Greys", shading="gouraud", rasterized=True)
    figure.colorbar(shade, ax=axes, label="log₁₀ magnification √det JᵀJ", fraction=0.05)
    scatter_codes(axes, np.asarray(chart.codes), labels)
    for name, style, width in (("straight", "--", 1.4), ("geodesic", "-", 2.2)):
        label = {"straight": "straight line", "geodesic": "geodesic"}[name]
        for number, points in enumerate(np.asarray(chart.curves[name])):
            axes.plot(*points.T, style, color=PALETTE[1], linewidth=width, label=None if number else label)
    (left, *_, right), (low, *_, high) = chart.across, chart.up
    axes.set(xlim=(left, right), ylim=(low, high), xlabel="first latent", ylabel="second latent")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.09), ncols=2, frameon=False)
    return figure


def scatter_codes(axes: "Axes", codes: Float[np.ndarray, "images 2"], labels: Array | None) -> None:
    """Points at the codes; each label is written at its median, where there are labels."""
    axes.scatter(*codes.T, s=7, color=PALETTE[0], alpha=0.55, linewidths=0)
    if labels is None:
        return
    for label in np.unique(labels):
        middle = np.median(codes[np.asarray(labels) == label], axis=0)
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": PALETTE[0], "linewidth": 0.8}
        axes.text(*middle, str(label), fontsize=10, ha="center", va="center", bbox=box)


def chart_ways(chart: Chart) -> "Figure":
    """What is decoded along the straight lines and along the geodesics, with their lengths."""
    rows = {
        f"{name} {number + 1}: {measured(float(chart.lengths[name][number]))}": chart.decoded[name][number]
        for number in range(len(chart.lengths["straight"]))
        for name in ("straight", "geodesic")
    }
    return image_rows(rows, title="straight lines, geodesics, and lengths")


def factors(shared: Float[np.ndarray, "latent factors"]) -> "Figure":
    """What share of each factor's entropy each dimension of the code tells."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 1.0 + 0.5 * len(shared)), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    shade = axes.imshow(shared, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(shared):
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black")
    axes.set_xticks(range(len(SHAPE_FACTORS)), list(SHAPE_FACTORS))
    axes.set_yticks(range(len(shared)), [f"latent {number}" for number in range(len(shared))])
    figure.colorbar(shade, ax=axes, label="I(latent; factor) / H(factor)")
    return figure
