"""The loss along a window."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import light_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_by_place(losses: Float[np.ndarray, " places"]) -> "Figure":
    """The mean loss of a character by how many characters before it are seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.2), dpi=144, layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(losses) + 1), losses)
    axes.set(xlabel="characters that are seen", ylabel="loss (nats per character)")
    axes.set_title("Loss along the window", loc="left", fontsize=10)
    light_grid(axes)
    return figure
