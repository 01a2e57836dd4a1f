"""What the units of a recurrent network say while it reads."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS, UNITS = 80, 6


def states(text: str, hidden: Float[np.ndarray, "places units"]) -> "Figure":
    """The state of a few units over the beginning of a text: those that keep their sign for the longest on average."""
    from matplotlib.figure import Figure

    text, hidden = text[:COLUMNS], hidden[:COLUMNS]
    changes = (np.diff(np.sign(hidden), axis=0) != 0).sum(axis=0)
    living = np.flatnonzero(changes > 0)
    chosen = living[np.argsort(changes[living], kind="stable")][:UNITS] if living.size else np.arange(UNITS)
    largest = float(np.abs(hidden[:, chosen]).max()) or 1.0
    figure = Figure(figsize=(9.0, 2.6), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(hidden[:, chosen].T, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
    names = [f"unit {unit}" for unit in chosen]
    axes.set_yticks(range(len(chosen)), names)
    axes.set_xticks(range(len(text)), [{"\n": "↵", "$": r"\$"}.get(letter, letter) for letter in text])
    axes.tick_params(axis="x", length=0, labelsize=6.5, labelfontfamily="monospace")
    axes.set_title("state after each letter, of units that change their sign least often", loc="left", fontsize=10)
    figure.colorbar(shown, ax=axes)
    return figure
