"""What a network makes of pictures in one pass, beside what descent does."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.plots.canvas import PALETTE, canvas, log_ticks
from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Crops = Float[np.ndarray, "crops size size 3"]


def repainted_crops(contents: Float[Array, "crops size size 3"], one_pass: Crops, by_descent: Crops) -> "Figure":
    """Test crops over what becomes of them."""
    return image_rows({"content": contents, "one pass": one_pass, "descent": by_descent}, title="test crops")


def descent_curve(losses: Float[np.ndarray, "steps_and_one crops"], one_pass: Float[np.ndarray, " crops"]) -> "Figure":
    """The loss of the crops that descend, by the number of steps, and that of one pass: geometric means over crops."""
    figure, axes = canvas("the same test crops: geometric means")
    descent, pass_ = (np.exp(np.log(each).mean(axis=-1)) for each in (losses, one_pass))
    axes.plot(np.arange(len(descent)), descent, color=PALETTE[0], label="descent in the pictures' values")
    axes.axhline(pass_, color=PALETTE[1], linestyle="--", label="the network, in one pass")
    axes.set(xlabel="step of the descent", ylabel="loss", yscale="log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    log_ticks(axes.yaxis)
    axes.legend(frameon=False, fontsize=9)
    return figure
