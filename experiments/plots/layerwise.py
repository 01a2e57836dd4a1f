"""Pictures of what pre-training changes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Bool, Float, Int

from experiments.autoencoders.rbm.figures import filters
from experiments.plots.canvas import PALETTE, light_grid
from experiments.plots.images import image_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def errors_by_class(
    labels: Int[np.ndarray, " examples"], wrong: Mapping[str, Bool[np.ndarray, " examples"]]
) -> "Figure":
    """The share of each class that each net gets wrong, in %, and of all classes."""
    from matplotlib.figure import Figure

    classes = np.unique(labels)
    groups = [*(labels == label for label in classes), np.full(labels.shape, True)]
    places = np.append(np.arange(len(classes)), len(classes) + 0.5)
    width = 0.8 / len(wrong)
    figure = Figure(figsize=(7.2, 3.2), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for number, (name, misses) in enumerate(wrong.items()):
        shares = [100 * np.mean(misses[group]) for group in groups]
        offset = (number - (len(wrong) - 1) / 2) * width
        label = f"{name}: {np.sum(misses):,} of {len(labels):,} wrong ({shares[-1]:.2f} %)"
        axes.bar(places + offset, shares, width, color=PALETTE[number], label=label)
    axes.set_xticks(places, [*map(str, classes), "all"])
    axes.set(xlabel="class", ylabel="test error (%)")
    light_grid(axes, axis="y")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9)
    return figure


def filters_of_both(
    pretrained: Float[Array, "visible units"], random: Float[Array, "visible units"], shape: tuple[int, ...]
) -> "Figure":
    """First-layer weights of both nets after the fine-tuning, the 32 units of largest norm of each."""
    shown = min(32, pretrained.shape[1])
    both = [filters(kernel, shape)[:shown] for kernel in (pretrained, random)]
    title = "first hidden layers after fine-tuning"
    return image_pairs(*both, columns=16, labels=("pre-trained", "random"), title=title)
