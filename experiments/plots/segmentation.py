"""Pictures of pixels by class."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.plots.images import image_rows
from losses.segmentation import IGNORED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = np.array([[0.9, 0.9, 0.9], [0.0, 0.45, 0.7], [0.84, 0.37, 0.0], [0.0, 0.62, 0.45], [0.8, 0.47, 0.65]])
"""Of the classes, background first; Okabe & Ito."""
LONE_WIDTH = 300


def coloured(labels: Int[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape 3"]:
    """A colour for each pixel by its class; white where it is to be ignored. After the last colour the first again."""
    labels = np.asarray(labels)
    return np.where(np.isin(labels, IGNORED)[..., None], 1.0, COLOURS[labels % len(COLOURS)])


def segmented_rows(
    images: Float[np.ndarray, "images height width channels"],
    labels: Int[np.ndarray, "images height width"],
    predicted: Mapping[str, Int[np.ndarray, "images height width"]],
    class_names: Sequence[str],
    *,
    title: str | None = None,
) -> "Figure":
    """Images over their classes, and over the classes that they were taken for by each of several names. A picture by
    itself is ``LONE_WIDTH`` pixels wide or more.
    """
    seen = np.broadcast_to(images, (*images.shape[:-1], 3))
    rows = {"image": seen, "truth": coloured(labels)} | {name: coloured(each) for name, each in predicted.items()}
    upscale = -(-LONE_WIDTH // images.shape[2]) if len(images) == 1 else None
    return image_rows(rows, title=title, upscale=upscale, colours=dict(zip(class_names, COLOURS, strict=False)))
