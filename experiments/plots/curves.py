"""Learning curves: a metric over the steps, its mean and deviation over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.plots.canvas import PALETTE, PIXELS_PER_INCH, light_grid, literal, log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAGNITUDES = 1000
"""Greatest over least, from which on an axis is logarithmic."""


def run_curves(rows: Sequence[Mapping[str, Any]], metric: str, *, unit: str = "") -> "Figure | None":
    """``metric`` of one run over the steps, below it the training losses where it is not measured in training.

    A line is the mean over the seeds, and its band one sample standard deviation to either side. The held-out split
    (``valid``, or ``test`` without one) is strong; ``train`` is thin beside it, or strong alone. A step at which any
    seed is not finite (null) is a gap. A step written twice counts as last written. The axis is logarithmic where all
    means are positive and the greatest is a thousand times the least. None where there are not two points of a curve.

    Raises:
        ValueError: if the metric's number of seeds changes within a split.
    """
    from matplotlib.figure import Figure

    curves = splits(rows, metric)
    losses = {} if "train" in curves else {name: splits(rows, name)["train"] for name in _training_losses(rows)}
    if max((len(steps) for steps, _ in (*curves.values(), *losses.values())), default=0) < 2:
        return None
    panels = 1 + bool(losses)
    figure = Figure(figsize=(6.0, 0.6 + 2.8 * panels), dpi=1.5 * PIXELS_PER_INCH, layout="constrained")
    axes = figure.subplots(panels, sharex=True, squeeze=False)[:, 0]
    for split, (steps, values) in curves.items():
        strong = split != "train" or len(curves) == 1
        _draw_curve(axes[0], steps, values, index=0, strong=strong, label=split)
    axes[0].set_ylabel(literal(f"{metric} ({unit})" if unit else metric))
    for index, (name, (steps, values)) in enumerate(losses.items()):
        _draw_curve(axes[1], steps, values, index=index, strong=len(losses) == 1, label=literal(name))
        axes[1].set_ylabel("training loss")
    axes[-1].set_xlabel("step")
    for panel in axes:
        _style(panel)
        _scale(panel)
        panel.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    return figure


def _training_losses(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The metrics of training rows that are losses, in their order."""
    names = dict.fromkeys(name for row in rows if row["split"] == "train" for name in row)
    return [name for name in names if name.replace("_", "/").split("/")[-1] == "loss"]


def splits(rows: Iterable[Mapping[str, Any]], metric: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For train and the held-out split (valid, else test), where present: steps [S] and values [S, K], null as NaN.

    Raises:
        ValueError: if the number of seeds changes within a split.
    """
    found: dict[str, dict[int, list | tuple]] = {"train": {}, "valid": {}, "test": {}}
    for row in rows:
        if row["split"] in found and metric in row:
            value = row[metric]
            found[row["split"]][row["step"]] = value if isinstance(value, list | tuple) else [value]
    if ragged := [split for split, values in found.items() if len(set(map(len, values.values()))) > 1]:
        raise ValueError(f"{metric!r} has not the same number of seeds on every {ragged[0]} line")
    ordered = {split: dict(sorted(by_step.items())) for split, by_step in found.items() if by_step}
    if "valid" in ordered:
        ordered.pop("test", None)
    return {
        split: (np.array(list(values)), np.array(list(values.values()), dtype=np.float64))
        for split, values in ordered.items()
    }


def _draw_curve(
    axes: "Axes", steps: np.ndarray, values: np.ndarray, *, index: int, strong: bool, label: str | None
) -> None:
    """The mean over seeds with a band of one sample standard deviation."""
    colour, line = PALETTE[index % len(PALETTE)], ("-", "--", ":")[index // len(PALETTE) % 3]
    mean = values.mean(axis=1)
    if values.shape[1] > 1:
        deviation = values.std(axis=1, ddof=1)
        band = 0.22 if strong else 0.10
        axes.fill_between(steps, mean - deviation, mean + deviation, color=colour, alpha=band, linewidth=0)
    marker = "o" if len(steps) == 1 else None
    weight, alpha = (2.0, 1.0) if strong else (1.0, 0.5)
    axes.plot(steps, mean, color=colour, linestyle=line, linewidth=weight, alpha=alpha, label=label, marker=marker)


def _scale(axes: "Axes") -> None:
    """Logarithmic for what falls by orders of magnitude: else a great beginning hides all that follows."""
    drawn = np.concatenate([np.empty(0), *(line.get_ydata() for line in axes.lines)])
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size or drawn.min() <= 0 or drawn.max() < MAGNITUDES * drawn.min():
        return
    axes.set_yscale("log")
    axes.set_ylim(drawn.min() / 1.5, drawn.max() * 1.5)
    log_ticks(axes.yaxis)


def _style(axes: "Axes") -> None:
    """A light grid, two spines, thousands with commas."""
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.01)
    light_grid(axes)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(color="#888888", labelcolor="#333333")
