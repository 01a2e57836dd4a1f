"""Pictures of a vector-quantised autoencoder: what it keeps, which codes it uses, and what it dreams."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.numerals import measured
from experiments.plots.canvas import PALETTE, light_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def code_usage(frequencies: Float[np.ndarray, " codes"], *, perplexity: float) -> "Figure":
    """A bar a code, the most frequent first, beside the bar that all would have if they were used alike."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    codes, used = len(frequencies), int(np.sum(frequencies > 0))
    axes.bar(np.arange(1, codes + 1), 100 * np.sort(frequencies)[::-1], width=0.85, color=PALETTE[0])
    axes.axhline(100 / codes, color=PALETTE[1], linestyle="--", linewidth=1.5)
    axes.annotate(
        "all codes alike",
        (codes, 100 / codes),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=PALETTE[1],
        fontsize=9.5,
    )
    title = f"codes in use: {used} of {codes}; perplexity {measured(perplexity, unit='codes')}"
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlim(0.3, codes + 0.7)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("codes, the most frequent first")
    axes.set_ylabel("share of all positions (%)")
    light_grid(axes, axis="y")
    return figure
