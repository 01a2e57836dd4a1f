"""Sums in pictures."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int

from experiments.numerals import counted, significant
from experiments.plots.canvas import PALETTE, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def errors_by_carries(carries: Int[np.ndarray, " questions"], wrong: Bool[np.ndarray, " questions"]) -> "Figure":
    """The share of wrong sums for each number of carries, and how many questions have so many."""
    figure, axes = canvas(f"{significant(100 * float(wrong.mean()), 3)} % of {counted(len(wrong), 'sum')} are wrong")
    numbers, asked = np.unique(carries, return_counts=True)
    shares = [100 * wrong[carries == number].mean() for number in numbers]
    bars = axes.bar(numbers, shares, color=PALETTE[0], width=0.6)
    axes.bar_label(
        bars, [f"{share:.3g} %\nof {count:,}" for share, count in zip(shares, asked, strict=True)], padding=3
    )
    axes.set(xlabel="carries to the next place", ylabel="wrong sums, %", xticks=numbers)
    axes.margins(y=0.2)
    return figure
