"""Pictures of what a detector finds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.numerals import counted, quantity
from experiments.plots.boxes import Drawn, boxed_images
from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from losses.metrics.detection import Detections

SURE = 0.5
"""Least score of a box that is drawn."""


def found_boxes(
    images: Float[np.ndarray, "images height width channels"],
    boxes: Float[np.ndarray, "images objects 4"],
    labels: Int[np.ndarray, "images objects"],
    found: "Detections",
    names: Sequence[str],
) -> "Figure":
    """Each image under its objects' boxes, and below under those that are found."""
    true = [
        [Drawn(box, label) for box, label in zip(*of, strict=True) if label >= 0]
        for of in zip(boxes, labels, strict=True)
    ]
    said = [
        [Drawn(box, label, f"{score:.2f}") for box, score, label in zip(*of, strict=True) if score >= SURE]
        for of in zip(*(np.asarray(part) for part in found), strict=True)
    ]
    title = f"test scenes: boxes of objects, and below those found with a score of {SURE:g} or more"
    return boxed_images(
        np.concatenate([images, images]), [*true, *said], columns=len(images), title=title, legend=names
    )


def objectness_maps(
    images: Float[np.ndarray, "images height width channels"],
    maps: Mapping[int, Float[np.ndarray, "images rows columns"]],
) -> "Figure":
    """Each image, and of each map the greatest objectness in every cell, by the cell's side in pixels."""
    size = images.shape[1]
    rows = {"image": images}
    for stride, objectness in maps.items():
        cells = np.repeat(np.repeat(objectness, stride, axis=1), stride, axis=2)
        rows[f"cells of {stride}²"] = cells[:, :size, :size, None]
    return image_rows(rows, title="greatest objectness of a cell")


def precision_by_threshold(
    thresholds: Sequence[float],
    precision: Float[np.ndarray, "classes thresholds"],
    names: Sequence[str],
    *,
    ap50: float,
) -> "Figure":
    """Average precision of each class by the IoU that a box must have with its object; as many are named as there are
    colours.
    """
    figure, axes = canvas(f"average precision of each class; at 0.5 their mean is {quantity(ap50, unit='%')}")
    for number, (name, values) in enumerate(zip(names, precision, strict=True)):
        named = name if number < len(PALETTE) else None
        axes.plot(thresholds, values, "o-", color=PALETTE[number % len(PALETTE)], label=named)
    axes.set(xlabel="least IoU of a box with its object", ylabel="average precision (%)", ylim=(0, 100))
    title = None if len(names) <= len(PALETTE) else f"the first of {counted(len(names), 'class')}"
    axes.legend(frameon=False, fontsize=9, title=title)
    return figure
