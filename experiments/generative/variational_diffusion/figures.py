"""Noise schedules over time, and what each time costs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, light_grid, log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_COST = 0.1
"""That is drawn, in nats."""
Curve = Float[np.ndarray, " times"]


def schedules_and_costs(curves: Mapping[str, tuple[Curve, Curve]]) -> "Figure":
    """On the left λ, on the right the bound's integrand: the area under it is the same for all between equal ends."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.6), dpi=144, layout="constrained")
    left, right = figure.subplots(1, 2)
    for (name, (log_ratios, costs)), colour in zip(curves.items(), PALETTE, strict=False):
        times = (np.arange(len(log_ratios)) + 0.5) / len(log_ratios)
        left.plot(times, log_ratios, color=colour, label=name)
        right.plot(times, costs, color=colour, label=name)
    left.set(xlabel="time", ylabel="log signal-to-noise ratio [nats]")
    right.set(xlabel="time", ylabel="cost [nats]", yscale="log", ylim=(LEAST_COST, None))
    log_ticks(right.yaxis)
    left.legend(frameon=False)
    for axes in (left, right):
        light_grid(axes)
    return figure
