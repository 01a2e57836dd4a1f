"""What an answer looks at in an image."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def looked_at(
    images: Float[np.ndarray, "images height width channels"], weights: Float[np.ndarray, "images rows columns"]
) -> "Figure":
    """Under each image the weights of its patches, darkest where the answer looks most."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.0 * len(images) + 0.4, 2.6), dpi=144, layout="constrained")
    axes = figure.subplots(2, len(images), squeeze=False)
    for (above, below), image, of_patches in zip(axes.T, images, weights, strict=True):
        above.imshow(image.squeeze(), cmap="gray_r", vmin=0, vmax=1)
        below.imshow(of_patches, cmap="Purples", vmin=0, vmax=weights.max())
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
    figure.suptitle("what the answer looks at, mean of blocks and heads", x=0.01, ha="left", fontsize=10)
    return figure
