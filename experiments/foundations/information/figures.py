"""Pictures of densities and of what is known of them: two fits, a bit, an average over draws."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Array, Float

from experiments.numerals import quantity
from experiments.plots.canvas import PALETTE, canvas, log_ticks
from losses.information import entropy, self_information

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = {"covering": "fitted by KL(p‖q)", "seeking": "fitted by KL(q‖p)"}


def fits(
    points: Float[Array, " points"],
    densities: Mapping[str, Float[np.ndarray, " points"]],
    measured: Mapping[str, float],
) -> "Figure":
    """The density p and both Gaussians over it, each with its two divergences."""
    figure, axes = canvas("A density of two modes, and a Gaussian fitted by either divergence")
    axes.fill_between(points, densities["p"], color="#d9d9d9", linewidth=0, label="p, two modes")
    for (name, label), colour in zip(LABELS.items(), PALETTE, strict=False):
        forward, reverse = (quantity(measured[f"{name}/{kl}"], unit="nats") for kl in ("forward_kl", "reverse_kl"))
        legend = f"q {label}:  KL(p‖q) {forward},  KL(q‖p) {reverse}"
        axes.plot(points, densities[name], color=colour, linewidth=1.8, label=legend)
    axes.set(xlabel="x", ylabel="density", ylim=(0, 1.45 * max(values.max() for values in densities.values())))
    axes.margins(x=0)
    axes.legend(frameon=False, fontsize=8.5, loc="upper left")
    return figure


def bit() -> "Figure":
    """The entropy of a bit over its probability, and the information of a 1."""
    shares = np.linspace(0, 1, 401, dtype=np.float32)
    bits = np.asarray(jax.jit(jax.vmap(entropy))(np.stack([shares, 1 - shares], axis=1))) / np.log(2)
    of_a_one = np.asarray(jax.jit(self_information)(shares[1:])) / np.log(2)
    figure, axes = canvas("Entropy of a bit, and the information of a 1")
    axes.plot(shares, bits, color=PALETTE[0], linewidth=1.8, label="entropy H(p)")
    axes.plot(
        shares[1:], of_a_one, color=PALETTE[1], linewidth=1.2, linestyle="--",
        label="information of a 1: −log₂ p",
    )  # fmt: skip
    axes.plot(0.5, 1.0, "o", color=PALETTE[0], markersize=5)
    axes.annotate("a fair coin: 1 bit", (0.5, 1.0), (6, 8), textcoords="offset points", fontsize=9)
    axes.set(xlabel="p, the probability of a 1", ylabel="bits", xlim=(0, 1), ylim=(0, 3))
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    return figure


def monte_carlo(ratios: Float[np.ndarray, "repeats draws"], closed_form: float) -> "Figure":
    """The error of the mean of the first n log-ratios: of all repeats' root mean square, and of three of them."""
    counts = np.unique(np.geomspace(10, ratios.shape[1], 40).astype(int))
    errors = (np.cumsum(ratios, axis=1) / np.arange(1, ratios.shape[1] + 1))[:, counts - 1] - closed_form
    figure, axes = canvas("Error of the mean of n log-ratios, beside σ / √n")
    for number, one in enumerate(errors[:3]):
        label = "three estimates" if number == 0 else None
        axes.plot(counts, np.abs(one), color="#b0b0b0", linewidth=0.9, label=label)
    root_mean_square = np.sqrt((errors**2).mean(axis=0))
    axes.plot(counts, root_mean_square, "o", color=PALETTE[0], markersize=4, label=f"root mean square of {len(ratios)}")
    axes.plot(counts, ratios.std() / np.sqrt(counts), color="black", linestyle="--", linewidth=1.2, label="σ / √n")
    axes.set(xscale="log", yscale="log", xlabel="draws n", ylabel="error (nats)")
    axes.set_ylim(bottom=root_mean_square.min() / 20)
    axes.set_title(f"closed form {quantity(closed_form, unit='nats')}", loc="right", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        log_ticks(axis)
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    return figure
