"""Pictures of variational inference with an encoder and without."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.numerals import counted, quantity
from experiments.plots.canvas import PALETTE, canvas, log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARTS = {"encoder": "from the encoder's output", "prior": "from the prior"}


def ascent(curves: Mapping[str, Float[np.ndarray, " steps"]], *, encoder: float, likelihood: float) -> "Figure":
    """The mean ELBO at each step of the ascent, between the encoder's and the log-likelihood."""
    figure, axes = canvas("ELBO along the ascent of each image's own parameters")
    for (start, values), colour in zip(curves.items(), PALETTE, strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, color=colour, linewidth=1.5, label=STARTS[start])
    for level, text, below in ((encoder, "ELBO of the encoder", True), (likelihood, "log-likelihood", False)):
        axes.axhline(level, color="black", linestyle="--", linewidth=1.2)
        axes.annotate(
            text,
            (len(values), level),
            xytext=(0, -4 if below else 4),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            fontsize=9.5,
        )
    inference_gap = max(likelihood - encoder, 0.1)
    axes.set_ylim(encoder - 2 * inference_gap, likelihood + 0.5 * inference_gap)
    axes.set_xscale("log")
    axes.set_xlim(1, max(2, len(values)))
    log_ticks(axes.xaxis)
    axes.set_xlabel("step of the ascent")
    axes.set_ylabel("mean ELBO of held-out images (nats)")
    axes.legend(frameon=False, fontsize=9.5, loc="lower right")
    return figure


def gaps(amortization: Float[np.ndarray, " images"], approximation: Float[np.ndarray, " images"]) -> "Figure":
    """How many images have which gap, for both kinds."""
    figure, axes = canvas(f"Gaps between log-likelihood and ELBO of {counted(len(amortization), 'held-out image')}")
    low, high = (float(of(np.concatenate([amortization, approximation]))) for of in (np.min, np.max))
    bins = np.linspace(low, max(high, low + 0.1), 41)
    named = {"amortisation gap": amortization, "approximation gap": approximation}
    for (name, values), colour in zip(named.items(), PALETTE, strict=False):
        label = f"{name}: {quantity(float(values.mean()), unit='nats')} on average"
        axes.hist(values, bins, color=colour, alpha=0.55, label=label)
        axes.axvline(values.mean(), color=colour, linestyle="--", linewidth=1.5)
    axes.set_xlabel("gap (nats)")
    axes.set_ylabel("images")
    axes.legend(frameon=False, fontsize=9.5)
    return figure
