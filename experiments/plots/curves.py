"""Learning curves: a metric over the steps, its mean and deviation over seeds."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.plots.canvas import PALETTE, PIXELS_PER_INCH, light_grid, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def learning_curves(runs: Mapping[str, Iterable[Mapping[str, Any]]], metric: str, *, unit: str = "") -> "Figure":
    """Draw ``metric`` over the steps from the lines of each run's ``metrics.jsonl``.

    A line is the mean over the seeds, and its band one sample standard deviation to either side. The held-out split
    (``valid``, or ``test`` without one) is strong; ``train`` is thin beside it, or strong alone. A step at which any
    seed is not finite (null) is a gap. A step written twice counts as last written. One label per run; a single run
    shows its splits instead.

    Raises:
        ValueError: if no run has the metric, or its number of seeds changes within a split.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.2 + 0.2 * -(-len(runs) // 2)), dpi=1.5 * PIXELS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    for index, (label, rows) in enumerate(runs.items()):
        splits = _splits(rows, metric)
        for split, (steps, values) in splits.items():
            strong = split != "train" or len(splits) == 1
            entry = split if len(runs) == 1 else literal(label) if strong else None
            _draw_curve(axes, steps, values, index=index, strong=strong, label=entry)
    if not axes.lines:
        raise ValueError(f"no run has {metric!r}")
    axes.set_xlabel("step")
    axes.set_ylabel(literal(f"{metric} ({unit})" if unit else metric))
    _style(figure, axes)
    return figure


def _splits(rows: Iterable[Mapping[str, Any]], metric: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For train and the held-out split (valid, else test), where present: steps [S] and values [S, K], null as NaN."""
    found: dict[str, dict[int, np.ndarray]] = {"train": {}, "valid": {}, "test": {}}
    for row in rows:
        if row["split"] in found and metric in row:
            found[row["split"]][row["step"]] = np.atleast_1d(np.array(row[metric], dtype=np.float64))
    if ragged := [split for split, values in found.items() if len({value.shape for value in values.values()}) > 1]:
        raise ValueError(f"{metric!r} has not the same number of seeds on every {ragged[0]} line")
    ordered = {split: dict(sorted(by_step.items())) for split, by_step in found.items() if by_step}
    if "valid" in ordered:
        ordered.pop("test", None)
    return {split: (np.array(list(values)), np.stack(list(values.values()))) for split, values in ordered.items()}


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


def _style(figure: "Figure", axes: "Axes") -> None:
    """A light grid, two spines, thousands with commas, the legend above the curves."""
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.01)
    light_grid(axes)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(color="#888888", labelcolor="#333333")
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
