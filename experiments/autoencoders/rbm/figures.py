"""Pictures of a restricted Boltzmann machine: where its Gibbs chains go, and its free energies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.numerals import counted, quantity
from experiments.plots.canvas import PALETTE
from experiments.plots.images import image_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_chains(
    rows: Mapping[int, Float[Array, "chains visible"] | Float[np.ndarray, "chains visible"]], shape: tuple[int, ...]
) -> "Figure":
    """Gibbs chains, a column each: what is expected after so many steps, a row each."""
    *first, last = rows
    images = np.concatenate([np.asarray(row) for row in rows.values()]).reshape(-1, *shape)
    title = f"after {', '.join(f'{steps:,}' for steps in first)} and {counted(last, 'step')}"
    return image_grid(images, columns=len(rows[last]), title=title)


def draw_free_energies(values: Mapping[str, Float[np.ndarray, " examples"]]) -> "Figure":
    """How the free energies of several sets of images are distributed, relative to the mean of the first."""
    from matplotlib.figure import Figure

    zero = np.mean(next(iter(values.values())), dtype=np.float64)
    shifted = {name: each - zero for name, each in values.items()}
    edges = np.linspace(min(map(np.min, shifted.values())), max(map(np.max, shifted.values())) + 1e-6, 40)
    figure = Figure(figsize=(6.4, 3.4), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for (name, each), colour in zip(shifted.items(), PALETTE, strict=False):
        label = f"{name}: mean {quantity(round(float(each.mean()), 6), unit='nats')}"
        axes.hist(each, edges, density=True, histtype="step", linewidth=1.8, color=colour, label=label)
    axes.set(xlabel="free energy above the mean of the training images (nats)", ylabel="density")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
