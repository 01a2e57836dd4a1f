"""Pictures of how much each dimension of a latent is used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.numerals import quantity
from experiments.plots.canvas import PALETTE, canvas, log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {"plain": "plain ELBO", "warmup": "KL warm-up", "free_bits": "free bits", "iwae": "importance-weighted"}
THRESHOLD = 0.01


def sorted_kl(kl: Mapping[str, Float[np.ndarray, " latent"]], *, free: float) -> "Figure":
    """A line a net: the KL of each dimension, the greatest first; beside them the nats that free bits give away."""
    figure, axes = _over_dimensions("KL of each dimension of the latent, and of all together")
    for (name, values), colour, marker in zip(kl.items(), PALETTE, "osD^", strict=False):
        ordered = np.sort(values)[::-1]
        dimensions = np.arange(1, len(ordered) + 1)
        label = f"{LABELS[name]}: {quantity(float(values.sum()), unit='nats')}"
        axes.plot(dimensions, ordered, color=colour, marker=marker, markersize=5, label=label)
    if "free_bits" in kl:
        axes.axhline(free, color="black", linestyle="--", linewidth=1.2)
        place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "right", "fontsize": 9.5}
        axes.annotate(f"{free:g} nats free", (max(map(len, kl.values())), free), **place)
    axes.set_ylim(bottom=-0.02 * max(values.max() for values in kl.values()))
    axes.set_ylabel("mean KL to the prior (nats)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9.5)
    return figure


def unit_activity(means: Mapping[str, Float[np.ndarray, "images latent"]]) -> "Figure":
    """A line a net: the variance of each dimension of the posterior mean over images, and where a unit counts as
    active.
    """
    figure, axes = _over_dimensions("Variance of the posterior mean over images; active: above the line")
    axes.set_yscale("log")
    for (name, values), colour, marker in zip(means.items(), PALETTE, "osD^", strict=False):
        ordered = np.sort(np.maximum(values.var(axis=0), 1e-9))[::-1]
        active = int(np.sum(ordered > THRESHOLD))
        label = f"{LABELS[name]}: {active} of {len(ordered)} active"
        axes.plot(np.arange(1, len(ordered) + 1), ordered, color=colour, marker=marker, markersize=5, label=label)
    axes.axhline(THRESHOLD, color="black", linestyle="--", linewidth=1.2)
    axes.set_ylabel("variance of the posterior mean")
    log_ticks(axes.yaxis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9.5)
    return figure


def _over_dimensions(title: str) -> "tuple[Figure, Axes]":
    figure, axes = canvas(title)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("dimensions of the latent, the most used first")
    return figure, axes
