"""Points on a line, on their way from noise and where they end."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.datasets.generated_mixtures import Mixture
from experiments.plots.canvas import PALETTE, canvas, light_grid, log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {
    "lecture": "lecture, found noise (DDIM)",
    "lecture_fresh": "lecture, fresh noise",
    "ddpm": "DDPM, lower variance",
    "ddpm_upper": "DDPM, upper variance",
    "second_order": "second order (two looks a step)",
}


def density(mixture: Mixture, ticks: Float[np.ndarray, " ticks"]) -> Float[np.ndarray, " ticks"]:
    """Of the mixture."""
    standard = (ticks[:, None] - mixture.means) / mixture.deviations
    return np.exp(-0.5 * standard**2) / (mixture.deviations * np.sqrt(2 * np.pi)) @ mixture.weights


def paths(ways: Float[np.ndarray, "points places"], mixture: Mixture) -> "Figure":
    """Each point from noise, at the left, to where it ends, beside the mixture's density."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.0), dpi=144, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(5, 1))
    steps = np.arange(ways.shape[1])
    for way in ways:
        left.plot(steps, way, color=PALETTE[0], alpha=0.5, linewidth=0.8)
    left.set(xlabel="step of the sampler", ylabel="point", xlim=(0, steps[-1]))
    left.set_title("from noise to the mixture", loc="left", fontsize=11)
    ticks = np.linspace(*left.get_ylim(), 400)
    right.fill_betweenx(ticks, density(mixture, ticks), color=PALETTE[1], alpha=0.4, linewidth=0)
    right.set(xticks=[], xlabel="density")
    for axes in (left, right):
        light_grid(axes)
    return figure


def densities(drawn: Mapping[str, Float[Array, " points"]], mixture: Mixture) -> "Figure":
    """Histograms of what is drawn, over the density that it should have."""
    figure, axes = canvas("drawn points and their density")
    every = np.concatenate([np.asarray(each) for each in drawn.values()])
    ticks = np.linspace(*np.quantile(every, (0.001, 0.999)), 400)
    for (name, each), colour in zip(drawn.items(), PALETTE, strict=False):
        axes.hist(each, bins=80, range=(ticks[0], ticks[-1]), density=True, histtype="step", color=colour, label=name)
    axes.plot(ticks, density(mixture, ticks), color="black", linewidth=1, label="the mixture's")
    axes.set(xlabel="point", ylabel="density")
    axes.legend(frameon=False)
    return figure


def errors_over_steps(counts: Sequence[int], errors: Mapping[str, Sequence[Float[Array, ""]]]) -> "Figure":
    """How far what is drawn with the best denoiser is from the mixture, by the number of steps."""
    figure, axes = canvas("with the best denoiser")
    for (name, label), colour in zip(NAMES.items(), PALETTE, strict=False):
        axes.plot(counts, [float(each) for each in errors[name]], "o-", color=colour, markersize=4, label=label)
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="distance to the mixture")
    for axis in (axes.xaxis, axes.yaxis):
        log_ticks(axis)
    axes.legend(frameon=False, fontsize=9)
    return figure
