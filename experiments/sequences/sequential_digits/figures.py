"""How an answer forms while an image is read."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reading(
    images: Float[np.ndarray, "examples height width channels"],
    labels: Int[np.ndarray, " examples"],
    probabilities: Float[np.ndarray, "examples places classes"],
) -> "Figure":
    """Beside each image the probability of every class after each place that was read."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 1.05 * len(images) + 0.6), dpi=144, layout="constrained")
    axes = figure.subplots(len(images), 2, width_ratios=(1, 6), squeeze=False, sharex="col")
    for (left, right), image, label, over_time in zip(axes, images, labels, probabilities, strict=True):
        left.imshow(image.squeeze(), cmap="gray_r", vmin=0, vmax=1)
        left.set(xticks=[], yticks=[])
        shown = right.imshow(over_time.T, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        right.set_yticks([int(label)], [f"class {label}"])
    axes[-1, 1].set_xlabel("places read")
    figure.suptitle("probability of each class as the image is read", fontsize=10)
    figure.colorbar(shown, ax=axes[:, 1], fraction=0.03)
    return figure
