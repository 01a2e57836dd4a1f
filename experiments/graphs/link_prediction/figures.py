"""Pictures of scores that tell links from other pairs."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.numerals import quantity
from experiments.plots.canvas import PALETTE, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scores = Float[np.ndarray, " pairs"]


def score_histogram(apart: Scores, joined: Scores) -> "Figure":
    """How often each logit is given to held-out links and to pairs that are none."""
    figure, axes = canvas("inner product of the codes of held-out pairs")
    bins = np.histogram_bin_edges(np.concatenate([apart, joined]), 40)
    for scores, name, colour in ((apart, "not joined", PALETTE[6]), (joined, "joined", PALETTE[0])):
        axes.hist(scores, bins, alpha=0.6, color=colour, label=name)
    axes.set(xlabel="logit of the link", ylabel="pairs")
    axes.legend(frameon=False, fontsize=9)
    return figure


def roc_curve(apart: Scores, joined: Scores, *, auc: float, average_precision: float) -> "Figure":
    """The share of links found over the share of other pairs taken for links, at every threshold."""
    figure, axes = canvas(
        f"AUC {quantity(auc, unit='%')}, average precision {quantity(average_precision, unit='%')} (dashed: chance)"
    )
    thresholds = np.append(np.unique(np.concatenate([apart, joined]))[::-1], -np.inf)
    taken = [[100 * np.mean(scores >= each) for each in thresholds] for scores in (apart, joined)]
    axes.plot([0, *taken[0]], [0, *taken[1]], color=PALETTE[0])
    axes.plot([0, 100], [0, 100], "--", color="0.6", linewidth=1)
    axes.set(xlabel="pairs not joined that are taken for links (%)", ylabel="links found (%)")
    return figure
