"""Pictures of a restricted Boltzmann machine: its weights, where its Gibbs chains go, and its free energies."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from experiments.plots.canvas import PALETTE
from experiments.plots.images import image_grid
from models.rbm import RBM, gibbs_chain, hidden_probabilities, visible_probabilities

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAUSES = (1, 9, 90, 900)
"""Gibbs steps between the rows of ``chains``."""


def chains(rbm: RBM, start: Float[Array, "chains visible"], shape: tuple[int, ...], *, key: Key[Array, ""]) -> "Figure":
    """Gibbs chains, a column each: the bits where they start, and what is expected after 1, 10, 100 and 1,000 steps."""

    def walk(key, visible, steps):
        end = gibbs_chain(key, rbm, visible, steps=steps)
        return end, visible_probabilities(rbm, hidden_probabilities(rbm, end))

    rows, visible = [start], start
    for number, steps in enumerate(PAUSES):
        keys = jax.random.split(jax.random.fold_in(key, number), len(start))
        visible, expected = jax.jit(jax.vmap(partial(walk, steps=steps)))(keys, visible)
        rows.append(expected)
    title = "after 0, 1, 10, 100 and 1,000 steps"
    return image_grid(np.concatenate(rows).reshape(-1, *shape), columns=len(start), title=title)


def free_energies(values: Mapping[str, Float[Array, " examples"]]) -> "Figure":
    """How the free energies of several sets of images are distributed, relative to the mean of the first."""
    from matplotlib.figure import Figure

    zero = np.mean(np.asarray(next(iter(values.values()))), dtype=np.float64)
    shifted = {name: np.asarray(each) - zero for name, each in values.items()}
    edges = np.linspace(min(map(np.min, shifted.values())), max(map(np.max, shifted.values())) + 1e-6, 40)
    figure = Figure(figsize=(6.4, 3.4), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for (name, each), colour in zip(shifted.items(), PALETTE, strict=False):
        label = f"{name}: mean {each.mean():.1f}"
        axes.hist(each, edges, density=True, histtype="step", linewidth=1.8, color=colour, label=label)
    axes.set(xlabel="free energy above the mean of the training images (nats)", ylabel="density")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
