"""Pictures of nets of several depths: their errors, and the gradient on its way back."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, canvas, light_grid, log_ticks
from models.deep_convnet import Layout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = {
    "plain": "plain",
    "batch": "batch normalisation",
    "layer": "layer normalisation",
    "sum": "sum",
    "residual": "sum, batch normalisation",
    "squeeze_excitation": "sum, batch n., squeeze-and-excitation",
    "dense": "concatenation, batch normalisation",
}
STYLES = {
    name: {"color": colour, "marker": marker, "linestyle": line, "markersize": 4}
    for name, colour, marker, line in zip(
        LABELS, PALETTE, "osD^vPX", ("-", "-", "-", "--", "--", "--", ":"), strict=True
    )
}
SMALLEST = 1e-30


def norms_by_layer(kernels: Float[np.ndarray, " weights"], layout: Layout) -> dict[int, Float[np.ndarray, " depth"]]:
    """Of each net, by its depth: the Euclidean norm of what stands at the kernel of each of its layers."""
    norms = np.sqrt(np.add.reduceat(np.asarray(kernels, np.float64) ** 2, layout.starts))
    return dict(zip(layout.depths, np.split(norms, layout.ends[:-1] + 1), strict=True))


def errors(depths: Sequence[int], wrong: Mapping[str, Sequence[float]], *, classes: int) -> "Figure":
    """The error of each net over its depth, and that of a guess."""
    figure, axes = canvas("test error by depth")
    order = np.argsort(depths)
    for name, values in wrong.items():
        axes.plot(np.asarray(depths)[order], np.asarray(values)[order], label=LABELS[name], **STYLES[name])
    axes.axhline(100 * (1 - 1 / classes), color="black", linestyle=":", linewidth=1, label="a guess")
    axes.set(xlabel="equal layers", ylabel="error (%)", xscale="log", yscale="log")
    axes.set_xticks(sorted(depths), [str(depth) for depth in sorted(depths)])
    axes.minorticks_off()
    log_ticks(axes.yaxis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def gradients(found: Mapping[str, Mapping[str, np.ndarray]], layouts: Mapping[str, Layout]) -> "Figure":
    """For every moment of the training: the norm of the gradient of each layer's kernel in the deepest nets."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), dpi=144, layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True)
    for axes, (when, kernels) in zip(panels, found.items(), strict=True):
        for name in layouts:
            norms = norms_by_layer(kernels[name], layouts[name])
            deepest = norms[max(norms)]
            axes.plot(
                np.arange(1, len(deepest) + 1),
                np.maximum(deepest, SMALLEST),
                label=LABELS[name],
                **STYLES[name] | {"markersize": 2},
            )
        axes.set(yscale="log", xlabel=f"layer of {len(deepest)}")
        axes.set_title(when, loc="left", fontsize=11)
        light_grid(axes)
    log_ticks(panels[0].yaxis)
    panels[0].set_ylabel("norm of the kernel's gradient")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False, fontsize=8
    )
    return figure
