"""Images and the words that are written for them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.images import named_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def spelt(images: Float[np.ndarray, "examples height width channels"], words: Sequence[str]) -> "Figure":
    """Each image with its word."""
    return named_images(images, [word or "(nothing)" for word in words], title="what the network writes")
