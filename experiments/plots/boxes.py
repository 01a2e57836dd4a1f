"""Pictures of boxes on images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (PALETTE[1], PALETTE[4], PALETTE[2], PALETTE[3], PALETTE[5], PALETTE[0])


class Drawn(NamedTuple):
    """A box, the number of its colour, and what is written at it."""

    box: Sequence[float]
    colour: int
    text: str = ""


def boxed_images(
    images: Float[np.ndarray, "images height width channels"],
    boxes: Sequence[Sequence[Drawn]],
    *,
    columns: int,
    title: str,
    legend: Sequence[str] = (),
    captions: Sequence[str] = (),
    side: float = 2.1,
) -> "Figure":
    """Images in [0, 1] row by row, each under its boxes; a caption over each, a legend of the boxes' colours, of which
    each is named once. ``side`` is that of an image in inches.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(side * columns, side * rows + 0.8 + 0.2 * bool(captions)), dpi=150, layout="constrained")
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    for number, axes in enumerate(figure.subplots(rows, columns, squeeze=False).ravel()):
        axes.set(xticks=[], yticks=[])
        if number < len(images):
            draw_boxes(axes, images[number], boxes[number])
            if captions:
                axes.set_title(captions[number], fontsize=9)
        else:
            axes.set_visible(False)
    if legend:
        named = zip(COLOURS, legend, strict=False)
        patches = [Patch(facecolor="none", edgecolor=colour, label=name) for colour, name in named]
        if further := len(legend) - len(patches):
            patches.append(Patch(facecolor="none", edgecolor="none", label=f"and {further:,} more"))
        figure.legend(handles=patches, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def draw_boxes(axes: "Axes", image: Float[np.ndarray, "height width channels"], boxes: Sequence[Drawn]) -> None:
    """An image with the borders of its pixels at whole numbers, and boxes with their texts inside of it."""
    from matplotlib.patches import Rectangle

    height, width = image.shape[:2]
    pixels = np.broadcast_to(np.clip(image, 0, 1), (height, width, 3))
    axes.imshow(pixels, interpolation="nearest", extent=(0, width, height, 0))
    axes.spines[:].set_visible(False)
    for (left, top, right, bottom), colour, text in boxes:
        edge = COLOURS[colour % len(COLOURS)]
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=edge, linewidth=1.3))
        if text:
            where = float(np.clip(left, 0, width * 0.8)), float(np.clip(top, height * 0.09, height))
            label = axes.text(*where, text, fontsize=6, color="white", va="bottom", clip_on=True)
            label.set_bbox({"facecolor": edge, "edgecolor": "none", "pad": 0.6})
    axes.set(xlim=(0, width), ylim=(height, 0))
