"""Pictures of images that were enlarged: answers row by row, and how sharp they are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRUTH = "truth"


def answer_figures(
    rows: Mapping[str, Float[Array, "images height width channels"]],
    energies: Mapping[str, Float[Array, " images"]],
    *,
    shown: int,
) -> dict[str, "Figure"]:
    """Both of them; of the rows the first ``shown`` images, the truth last."""
    ordered = {name: rows[name] for name in sorted(rows, key=lambda name: (name == TRUTH, name != "small"))}
    return {
        "answers": image_rows({name: np.asarray(images[:shown]) for name, images in ordered.items()}),
        "sharpness": sharpness({name: np.asarray(energies[name]) for name in ordered}),
    }


def sharpness(energies: Mapping[str, Float[np.ndarray, " images"]]) -> "Figure":
    """The share of images whose gradient energy is below a value, for each kind of answer."""
    figure, axes = canvas("gradient energy of test images")
    for colour, (name, values) in zip(PALETTE, energies.items(), strict=False):
        shares = np.arange(1, len(values) + 1) / len(values)
        strong = {"color": "black", "linewidth": 2.2} if name == TRUTH else {"color": colour, "linewidth": 1.5}
        axes.step(np.sort(values), 100 * shares, where="post", label=name, **strong)
    axes.set(xlabel="Σ (difference of neighbouring pixels)²", ylabel="images below it, %", ylim=(0, 100))
    axes.legend(frameon=False, fontsize=9)
    return figure
