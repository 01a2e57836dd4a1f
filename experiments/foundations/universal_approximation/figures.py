"""Pictures of functions on [0, 1] and of what nets make of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE, light_grid, log_ticks
from train.trainable import Params, count_parameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Float[Array, " points"] | Float[np.ndarray, " points"]
TRUTH = "#bdbdbd"
SAWTOOTH = {
    "by_hand": "deep, by hand",
    "shallow_as_by_hand": "shallow, as many, trained",
    "deep": "deep, trained",
    "shallow": "shallow, as many, trained",
}


def approximation_figures(
    grid: Mapping[str, Values], fits: Mapping[str, Values], widths: Sequence[int], params: Mapping[str, Params]
) -> dict[str, "Figure"]:
    """Fits of four widths, both errors over the width, and deep nets beside shallow ones."""
    shown = sorted(set(widths))
    shown = [shown[i] for i in sorted({round(i * (len(shown) - 1) / 3) for i in range(4)})]
    units = {width: counted(width, "unit") for width in shown}
    counts = {name: counted(count_parameters(params[name]), "parameter") for name in SAWTOOTH}
    sizes = {name: f"{label}: {counts[name]}" for name, label in SAWTOOTH.items()}
    return {
        "fits": side_by_side(grid["point"], grid["target"], {units[w]: fits[f"width_{w:03}"] for w in shown}),
        "error_by_width": error_by_width(grid["target"], {w: fits[f"width_{w:03}"] for w in sorted(set(widths))}),
        "deep_and_shallow": side_by_side(
            grid["point"], grid["sawtooth"], {sizes[name]: fits[name] for name in SAWTOOTH}, colours=(2, 1, 2, 1)
        ),
    }


def side_by_side(
    points: Values, truth: Values, fits: Mapping[str, Values], *, colours: Sequence[int] = (0, 0, 0, 0)
) -> "Figure":
    """Up to four fits, each over the truth, with its largest error at the place where it is."""
    from matplotlib.figure import Figure

    rows = -(-len(fits) // 2)
    figure = Figure(figsize=(9.0, 2.5 * rows + 0.2), dpi=144, layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).flat
    for axes, (label, fit), colour in zip(panels, fits.items(), colours, strict=False):
        errors = np.abs(np.asarray(fit) - truth)
        worst = int(errors.argmax())
        axes.plot(points, truth, color=TRUTH, linewidth=2.8, solid_capstyle="round")
        axes.plot(points, fit, color=PALETTE[colour], linewidth=1.1)
        axes.vlines(points[worst], truth[worst], fit[worst], color="black", linewidth=1.2, linestyle=":")
        axes.set_title(f"{label}\nlargest error {measured(float(errors[worst]))}", fontsize=10)
        axes.set(xlim=(0, 1), ylim=(-0.15, 1.15))
        axes.spines[["top", "right"]].set_visible(False)
    for axes in list(panels)[len(fits) :]:
        axes.set_visible(False)
    return figure


def error_by_width(truth: Values, fits: Mapping[int, Values]) -> "Figure":
    """Largest error and root of the mean square, both in the function's own unit, on logarithmic axes."""
    from matplotlib.figure import Figure

    errors = np.stack([np.abs(np.asarray(fit) - truth) for fit in fits.values()])
    figure = Figure(figsize=(5.4, 4.0), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    root_mean_square = np.sqrt((errors**2).mean(axis=1))
    lines = {"largest": (errors.max(axis=1), 1, (9, 6)), "root mean square": (root_mean_square, 0, (-9, -14))}
    for label, (values, colour, aside) in lines.items():
        axes.loglog(fits.keys(), values, "o-", color=PALETTE[colour], label=label)
        for place in zip(fits, values, strict=True):
            axes.annotate(
                measured(float(place[1])), place, aside, textcoords="offset points",
                ha="center", fontsize=8, color=PALETTE[colour],
            )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(fits), [str(width) for width in fits])
    axes.minorticks_off()
    axes.margins(x=0.09, y=0.14)
    log_ticks(axes.yaxis)
    axes.set(xlabel="units of the hidden layer", ylabel="error on the grid")
    light_grid(axes)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure
