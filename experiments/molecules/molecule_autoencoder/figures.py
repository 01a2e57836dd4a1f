"""Drawn molecules, and properties before and after the ascent of latents."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.evaluations.molecules import Climb
from experiments.plots.canvas import PALETTE, light_grid
from experiments.plots.molecules import molecule_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS, SHOWN = 8, 32
"""Of the grid of drawn molecules."""
SHORT = {"qed": "QED", "logp": "log P"}
NAMES = {"qed": "drug-likeness (QED)", "logp": "log P"}


def drawn_molecules(smiles: Sequence[str]) -> "Figure":
    """The first valid ones."""
    return molecule_grid(smiles[:SHOWN], columns=COLUMNS, title="molecules of latents from the prior")


def before_and_after(climbs: Mapping[str, Climb]) -> "Figure":
    """Of each property: every molecule by its value before and after."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), dpi=144, layout="constrained")
    for axes, (name, climb) in zip(figure.subplots(1, len(climbs)), climbs.items(), strict=True):
        axes.scatter(climb.before, climb.after, s=12, color=PALETTE[0], alpha=0.7)
        both = np.concatenate([climb.before, climb.after, [0.0] if not len(climb.before) else []])
        ends = [both.min(), both.max() + 0.01]
        axes.plot(ends, ends, color=PALETTE[6], linestyle=":", linewidth=1)
        axes.set(xlabel=f"{NAMES[name]} before", ylabel="after the ascent")
        light_grid(axes)
    figure.suptitle("properties of test molecules, and of what their latents became", fontsize=10)
    return figure


def climbers(climbs: Mapping[str, Climb]) -> "Figure":
    """Of each property the molecules of its largest differences, over what became of them."""
    smiles, captions = [], []
    for name, climb in climbs.items():
        chosen = np.argsort(climb.before - climb.after, kind="stable")[:COLUMNS]
        for texts, values in ((climb.before_smiles, climb.before), (climb.after_smiles, climb.after)):
            row = [(texts[place], f"{SHORT[name]} {values[place]:.2f}") for place in chosen]
            row += [("", "")] * (COLUMNS - len(row))
            smiles += [text for text, _ in row]
            captions += [caption for _, caption in row]
    return molecule_grid(smiles, captions=captions, columns=COLUMNS, title="most raised: before, then after")
