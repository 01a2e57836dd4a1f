"""Pictures of anchors, and of what suppression leaves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.numerals import counted
from experiments.plots.boxes import Drawn, boxed_images
from experiments.plots.canvas import PALETTE, canvas, legend_below

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {"clusters": "k-means under 1 − IoU", "squares": "squares, by hand"}


def overlap_by_count(counts: Sequence[int], curves: Mapping[str, Sequence[float]]) -> "Figure":
    """Redmon & Farhadi 2017, figure 2."""
    figure, axes = canvas("IoU of a test box with the best anchor, mean over boxes")
    for number, (kind, values) in enumerate(curves.items()):
        axes.plot(counts, values, "o-", color=PALETTE[number], label=NAMES[kind])
    axes.set(xlabel="anchors", ylabel="mean IoU (%)")
    axes.set_xticks(list(counts))
    axes.legend(frameon=False)
    return figure


def sizes_and_anchors(
    sizes: Float[np.ndarray, "boxes 2"],
    clusters: Float[np.ndarray, "anchors 2"],
    squares: Float[np.ndarray, "anchors 2"],
) -> "Figure":
    """Where anchors lie among the boxes."""
    figure, axes = canvas(f"sizes of {len(sizes):,} test boxes and {counted(len(clusters), 'anchor')} of either kind")
    axes.scatter(*sizes.T, s=5, color="0.75", label="boxes")
    axes.scatter(*clusters.T, s=60, color=PALETTE[0], label=NAMES["clusters"])
    axes.scatter(*squares.T, s=40, marker="s", facecolor="none", edgecolor=PALETTE[1], label=NAMES["squares"])
    axes.set(xlabel="width (pixels)", ylabel="height (pixels)")
    legend_below(figure, columns=3)
    return figure


def suppressed(
    images: Float[np.ndarray, "images height width channels"],
    boxes: Float[np.ndarray, "images boxes 4"],
    scores: Float[np.ndarray, "images boxes"],
    kept: Int[np.ndarray, "images keep"],
) -> "Figure":
    """Each image under all its boxes, and under those that stay."""
    before = [[Drawn(box, 1) for box in each[score > -np.inf]] for each, score in zip(boxes, scores, strict=True)]
    after = [
        [Drawn(boxes[i][place], 0, f"{scores[i][place]:.2f}") for place in places if place >= 0]
        for i, places in enumerate(kept)
    ]
    return boxed_images(
        np.concatenate([images, images]),
        [*before, *after],
        columns=len(images),
        title="boxes about objects: all of them, and what suppression leaves",
    )
