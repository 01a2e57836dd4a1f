"""Pictures of how much each dimension of a latent is used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {"plain": "plain ELBO", "warmup": "KL warm-up", "free_bits": "free bits", "iwae": "importance-weighted"}
THRESHOLD = 0.01


def sorted_kl(kl: Mapping[str, Float[np.ndarray, " latent"]], *, free: float) -> "Figure":
    """A line a net: the KL of each dimension, the greatest first; beside them the nats that free bits give away."""
    title = "What each dimension of the latent tells about an image"
    figure, axes = _over_dimensions(title)
    for (name, values), colour, marker in zip(kl.items(), PALETTE, "osD^", strict=False):
        ordered = np.sort(values)[::-1]
        dimensions = np.arange(1, len(ordered) + 1)
        label = f"{LABELS[name]}: {values.sum():.1f} nats"
        axes.plot(dimensions, ordered, color=colour, marker=marker, markersize=5, label=label)
    if "free_bits" in kl:
        axes.axhline(free, color="black", linestyle="--", linewidth=1.2)
        place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "right", "fontsize": 9.5}
        axes.annotate(f"{free:g} nats free", (max(map(len, kl.values())), free), **place)
    axes.set_ylim(bottom=-0.02 * max(values.max() for values in kl.values()))
    axes.set_ylabel("mean KL to the prior (nats)")
    axes.legend(framealpha=0.85, edgecolor="none", fontsize=9.5)
    return figure


def unit_activity(means: Mapping[str, Float[np.ndarray, "images latent"]]) -> "Figure":
    """A line a net: the variance of each dimension of the posterior mean over images, and where a unit counts as
    active.
    """
    figure, axes = _over_dimensions("Active units: their posterior mean varies with the image")
    axes.set_yscale("log")
    for (name, values), colour, marker in zip(means.items(), PALETTE, "osD^", strict=False):
        ordered = np.sort(np.maximum(values.var(axis=0), 1e-9))[::-1]
        active = int(np.sum(ordered > THRESHOLD))
        label = f"{LABELS[name]}: {active} of {len(ordered)} active"
        axes.plot(np.arange(1, len(ordered) + 1), ordered, color=colour, marker=marker, markersize=5, label=label)
    axes.axhline(THRESHOLD, color="black", linestyle="--", linewidth=1.2)
    axes.set_ylabel("variance of the posterior mean")
    axes.legend(framealpha=0.85, edgecolor="none", fontsize=9.5)
    return figure


def _over_dimensions(title: str) -> "tuple[Figure, Axes]":
    figure, axes = canvas(title)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("dimensions of the latent, the most used first")
    return figure, axes
