"""Pictures of a game over points: what is real and what is generated, the discriminator's opinion, counts by mode."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.numerals import counted
from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.points import clouds, extent, opinion_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ring_figures(
    real: Float[np.ndarray, "real 2"],
    drawn: Float[np.ndarray, "drawn 2"],
    counts: Float[np.ndarray, " modes"],
    ticks: Float[np.ndarray, " ticks"],
    opinions: Float[np.ndarray, "ticks ticks"],
) -> dict[str, "Figure"]:
    """All of them."""
    label = "logit: above 0, taken for real"
    title = "the discriminator's opinion"
    return {
        "samples": clouds({"data": real, "generated": drawn[: len(real)]}, half=extent(real)),
        "opinion": opinion_map(ticks, opinions, drawn[: len(real)], label=label, title=title),
        "modes": samples_by_mode(counts, samples=len(drawn)),
    }


def samples_by_mode(counts: Float[np.ndarray, " modes"], *, samples: int) -> "Figure":
    """How many samples of high quality each mode has, beside the same number for all."""
    figure, axes = canvas(f"{counted(samples, 'sample')}: those of high quality, by mode")
    axes.bar(np.arange(len(counts)), counts, color=PALETTE[0])
    axes.axhline(samples / len(counts), color=PALETTE[1], linestyle="--", label="equally many for each mode")
    axes.set(xlabel="mode", ylabel="samples")
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, -0.1))
    return figure
