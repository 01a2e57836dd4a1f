"""Pictures of what a trunk is worth."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.convnets.transfer.pupils import LABELS, WAYS
from experiments.numerals import counted
from experiments.plots.canvas import PALETTE, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = {"scratch": "from scratch", "frozen": "trunk taken and frozen", "tuned": "trunk taken and fine-tuned"}


def errors_by_labels(errors: Float[np.ndarray, "repetitions pupils"], repetition: str) -> "Figure":
    """Mean ± sample standard deviation of the error in % over nets or seeds, a line for each way to begin."""
    figure, axes = canvas(f"classes the trunk has not seen: mean ± deviation over {counted(len(errors), repetition)}")
    by_way = errors.reshape(len(errors), len(WAYS), len(LABELS))
    deviations = by_way.std(axis=0, ddof=1) if len(errors) > 1 else np.zeros(by_way.shape[1:])
    for number, (way, mean, deviation) in enumerate(zip(WAYS, by_way.mean(axis=0), deviations, strict=True)):
        places = np.arange(len(LABELS)) + 0.04 * (number - 1)
        axes.errorbar(places, mean, deviation, fmt="o-", capsize=3, color=PALETTE[number], label=WORDS[way])
    axes.set_xticks(range(len(LABELS)), map(str, LABELS))
    axes.set(xlabel="labelled examples of each new class", ylabel="test error (%)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    return figure
