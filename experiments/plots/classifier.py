"""Pictures of what a classifier gets wrong."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure

from experiments.numerals import counted, quantity
from experiments.plots.canvas import PALETTE, light_grid
from experiments.plots.images import named_images

SHOWN = 10


def classifier_figures(
    images: Float[np.ndarray, "examples height width channels"],
    labels: Int[np.ndarray, " examples"],
    predicted: Int[np.ndarray, " examples"],
    *,
    class_names: Sequence[str] = (),
) -> dict[str, Figure]:
    """The confusion matrix and, where there are any, the first mistakes in a row, each named true→predicted."""
    drawn = {"confusion": confusion(labels, predicted, class_names=class_names)}
    if (wrong := np.flatnonzero(labels != predicted)[:SHOWN]).size:
        names = [f"{labels[i]}→{predicted[i]}" for i in wrong]
        drawn["mistakes"] = named_images(images[wrong], names, title="mistakes: true→predicted")
    return drawn


def confusion(
    labels: Int[np.ndarray, " examples"],
    predicted: Int[np.ndarray, " examples"],
    *,
    class_names: Sequence[str] = (),
    thing: str = "test image",
) -> Figure:
    """How many examples of each class were taken for which; the diagonal, what is right, is left grey.

    Classes are told by their numbers, and where they have names by these as well.
    """
    classes = max(int(max(labels.max(), predicted.max())) + 1, len(class_names))
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    right = np.eye(classes, dtype=bool)
    mistakes, most = np.where(right, np.nan, counts), np.max(counts, where=~right, initial=0)
    figure = Figure(figsize=(5.4, 5.0), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("0.92")
    axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(1, most))
    for row, column in np.ndindex(classes, classes):
        if counts[row, column]:
            dark = row != column and counts[row, column] > most / 2
            text = axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8)
            text.set_color("white" if dark else "black")
    axes.set(xlabel="predicted", ylabel="true", xticks=range(classes), yticks=range(classes))
    if any(name != str(number) for number, name in enumerate(class_names)):
        axes.set_yticklabels([f"{name}  {number}" for number, name in enumerate(class_names)])
    wrong = int(np.nansum(mistakes))
    share = quantity(100 * wrong / len(labels), unit="%")
    axes.set_title(f"{wrong:,} of {counted(len(labels), thing)} wrong ({share})", fontsize=10)
    return figure


def errors_by_class(labels: Int[np.ndarray, " examples"], wrong: Mapping[str, Bool[np.ndarray, " examples"]]) -> Figure:
    """The share of each class that each net gets wrong, in %, and of all classes."""
    classes = np.unique(labels)
    groups = [*(labels == label for label in classes), np.full(labels.shape, True)]
    places = np.append(np.arange(len(classes)), len(classes) + 0.5)
    width = 0.8 / len(wrong)
    figure = Figure(figsize=(7.2, 3.2), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for number, (name, misses) in enumerate(wrong.items()):
        shares = [100 * np.mean(misses[group]) for group in groups]
        offset = (number - (len(wrong) - 1) / 2) * width
        label = f"{name}: {np.sum(misses):,} of {len(labels):,} wrong ({quantity(float(shares[-1]), unit='%')})"
        axes.bar(places + offset, shares, width, color=PALETTE[number], label=label)
    axes.set_xticks(places, [*map(str, classes), "all"])
    axes.set(xlabel="class", ylabel="test error (%)")
    light_grid(axes, axis="y")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9)
    return figure
