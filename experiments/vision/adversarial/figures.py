"""Pictures of attacks and of what they do."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETS = {"softmax": "softmax regression", "conv": "convolutional net", "robust": "trained on attacks"}
ATTACKS = {"clean": "as they are", "fgsm": "fast gradient sign", "iterated": "iterated", "l2": "iterated, L2"}
LINES = {"fgsm": "-", "iterated": "--"}


def success_curves(
    radii: Float[np.ndarray, " radii"], errors: Mapping[tuple[str, str], Float[np.ndarray, "radii draws"]]
) -> "Figure":
    """Error in % against the radius, for each net and attack: a line is the mean over the draws of first weights, its
    band one sample standard deviation to either side.
    """
    draws = next(iter(errors.values())).shape[1]
    figure, axes = canvas(f"attacks on {counted(draws, 'net')} of each kind: mean ± deviation")
    colours = dict(zip(NETS, PALETTE, strict=False))
    for net, attack in product(NETS, LINES):
        if (net, attack) not in errors:
            continue
        values = errors[net, attack]
        mean, deviation = values.mean(axis=1), values.std(axis=1, ddof=1) if draws > 1 else 0.0
        label = f"{NETS[net]}, {ATTACKS[attack]}"
        axes.plot(radii, mean, LINES[attack], color=colours[net], label=label)
        axes.fill_between(radii, mean - deviation, mean + deviation, color=colours[net], alpha=0.2, linewidth=0)
    axes.set(xlabel="largest change of a value, ε", ylabel="test error (%)", ylim=(0, 102), xlim=(0, radii[-1]))
    axes.legend(frameon=False, fontsize=8)
    return figure


def attacked_rows(
    images: Float[np.ndarray, "images height width channels"],
    attacked: Mapping[str, Float[np.ndarray, "images height width channels"]],
) -> "Figure":
    """Images, and each as it attacks the first convolutional net."""
    rows = {ATTACKS["clean"]: images} | {ATTACKS[name]: each for name, each in attacked.items()}
    return image_rows(rows, title="images and attacks")


def transfer_table(errors: Mapping[tuple[str, str], Float[np.ndarray, ""]], nets: Sequence[str]) -> "Figure":
    """The error in % of each kind of net, a column, on images made for another net, a row."""
    from matplotlib.figure import Figure

    table = np.array([[float(errors.get((maker, judge), np.nan)) for judge in nets] for maker in nets])
    figure = Figure(figsize=(5.6, 4.2), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(table, cmap="Oranges", vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            colour = "white" if value > 60 else "black"
            axes.text(column, row, measured(value), ha="center", va="center", color=colour, fontsize=11)
    names = [NETS[net].replace(" ", "\n", 1) for net in nets]
    axes.set_xticks(range(len(nets)), names)
    axes.set_yticks(range(len(nets)), names)
    axes.tick_params(length=0, labelsize=9)
    axes.set(xlabel="judged by another net", ylabel="made for")
    axes.set_title("error on images made for another net (%)", loc="left", fontsize=11)
    return figure


def detection(
    scores: Mapping[str, Float[np.ndarray, " images"]], areas: Mapping[str, Float[np.ndarray, ""]]
) -> "Figure":
    """How many images have which reconstruction error, as they are and attacked, and the areas under ROC curves."""
    figure, axes = canvas("reconstruction errors of an autoencoder")
    bins = np.linspace(0, max(float(np.quantile(each, 0.995)) for each in scores.values()), 41)
    for (name, values), colour in zip(scores.items(), PALETTE, strict=False):
        area = f": AUC {measured(float(areas[name]))}" if name in areas else ""
        axes.hist(values, bins, color=colour, histtype="step", linewidth=1.6, label=ATTACKS[name] + area)
    axes.set(xlabel="mean squared error of a value", ylabel="test images")
    axes.legend(frameon=False, fontsize=9)
    return figure
