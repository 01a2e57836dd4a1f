"""Pictures of gradients: a convolution's matrix, how far two computations lie apart, what layers cost."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.foundations.backpropagation.costs import LAYERS, Counted
from experiments.numerals import counted
from experiments.plots.canvas import PALETTE, light_grid, log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Matrix = Float[Array, "outputs inputs"] | Float[np.ndarray, "outputs inputs"]
EPSILON = float(np.finfo(np.float32).eps)


def matrices(matrix: Matrix, free: Matrix, tied: Matrix, *, features: int) -> "Figure":
    """Of the first of ``features``: the matrix, the gradient in each of its entries, and that of the equal ones added.

    A row is a position of the window, a column a pixel; white is 0.
    """
    from matplotlib.figure import Figure

    panels = {
        "the convolution as a matrix": matrix,
        "gradient in every entry: δ xᵀ": free,
        "summed where one weight stands": tied,
    }
    figure = Figure(figsize=(12.6, 2.8), dpi=144, layout="constrained")
    for axes, (title, values) in zip(figure.subplots(1, 3, sharey=True), panels.items(), strict=True):
        shown = np.asarray(values)[::features]
        largest = np.abs(shown).max() or 1.0
        image = axes.imshow(shown, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("pixel")
        axes.tick_params(labelsize=8)
        figure.colorbar(image, ax=axes, shrink=0.66).ax.tick_params(labelsize=8)
    figure.axes[0].set_ylabel("position of the window")
    return figure


def differences(measured: Mapping[str, float]) -> "Figure":
    """Of {net/layer/what_difference: value}: by layer, how far by hand and by autodiff lie apart."""
    from matplotlib.figure import Figure

    labels = {
        "gradient_difference": "gradients of the same weights",
        "weight_difference": "weights after training with either",
    }
    layers = sorted({name.rpartition("/")[0] for name in measured}, reverse=True)
    figure = Figure(figsize=(7.4, 1.5 + 0.4 * len(layers)), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for (what, label), colour, marker in zip(labels.items(), PALETTE, "os", strict=False):
        values = [measured[f"{layer}/{what}"] for layer in layers]
        axes.plot(values, range(len(layers)), marker, color=colour, label=label)
    axes.axvline(EPSILON, color="black", linestyle="--", linewidth=1, label="float32: the next number after 1")
    axes.set_yticks(range(len(layers)), [layer.replace("/", ", ").replace("_", " ") for layer in layers])
    axes.set_xscale("symlog", linthresh=EPSILON / 10)
    axes.set(xlabel="relative difference of by hand from by autodiff", xlim=(0, None), ylim=(-0.6, len(layers) - 0.4))
    light_grid(axes)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=8)
    return figure


def costs(by_layer: Mapping[str, Counted]) -> "Figure":
    """FLOPs of an example by formula and by XLA, and the parameters, of every layer."""
    from matplotlib.figure import Figure

    names, layers = list(by_layer), list(by_layer.values())
    places = np.arange(len(names))
    figure = Figure(figsize=(8.4, 1.3 + 0.55 * len(names)), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    by_formula = axes.barh(places - 0.2, [layer.formula.flops for layer in layers], 0.36, color=PALETTE[0])
    by_xla = axes.barh(places + 0.2, [layer.flops_by_xla or np.nan for layer in layers], 0.36, color=PALETTE[5])
    axes.bar_label(by_formula, [f"{layer.formula.flops:,}" for layer in layers], padding=3, fontsize=8)
    axes.bar_label(by_xla, [f"{layer.flops_by_xla or 0:,}" for layer in layers], padding=3, fontsize=8)
    axes.set_yticks(
        places,
        [f"{LAYERS[name]}\n{counted(layer.formula.parameters, 'parameter')}" for name, layer in by_layer.items()],
        fontsize=8.5,
    )
    axes.set(xscale="log", xlabel="floating-point operations of one example, forward")
    axes.set_xlim(right=30 * max(layer.formula.flops for layer in layers))
    log_ticks(axes.xaxis)
    axes.invert_yaxis()
    light_grid(axes, axis="x")
    figure.legend(
        [by_formula, by_xla], ["by formula", "by XLA"], loc="outside upper left", ncols=2, frameon=False, fontsize=9
    )
    return figure
