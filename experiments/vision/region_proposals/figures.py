"""Pictures of proposals: how many it takes, how they come about, and what a classifier makes of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.graph_segmentation import segment_graph
from experiments.datasets.selective_search import (
    colour_bins,
    group_regions,
    measure_regions,
    neighbours,
    smoothed,
    texture_bins,
)
from experiments.plots.boxes import Drawn, boxed_images
from experiments.plots.canvas import PALETTE, canvas, log_ticks
from experiments.plots.images import image_rows
from experiments.vision.region_proposals.proposals import STRATEGIES, SelectiveSearch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from losses.metrics.detection import Detections

NAMES = {
    "selective_search": "selective search",
    "sliding_windows": "sliding windows",
    "regions": "regions and a classifier",
    "single_shot": "single shot",
}
LEFT = (16, 8, 4, 2)
"""Regions that are left where a hierarchy is shown."""
SURE = 0.5
"""Least score of a box that is drawn."""


def recall_curves(
    recall: Mapping[str, Sequence[Float[np.ndarray, " proposals"]]], thresholds: Sequence[float]
) -> "Figure":
    """The share of objects that are covered, by the number of boxes that are looked at."""
    figure, axes = canvas("objects that one of the first boxes of an image covers")
    for number, (name, curves) in enumerate(recall.items()):
        for threshold, values, line in zip(thresholds, curves, ("-", "--"), strict=True):
            label = f"{NAMES[name]}, IoU {threshold:g} or more"
            axes.plot(1 + np.arange(len(values)), values, line, color=PALETTE[number], label=label)
    axes.set(xlabel="boxes of an image", ylabel="recall (%)", ylim=(0, 102), xscale="log")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    log_ticks(axes.xaxis)
    return figure


def hierarchies(search: SelectiveSearch, images: Float[np.ndarray, "images height width channels"]) -> "Figure":
    """Images, their first regions, and the regions that are left after merging the likest, each in its mean colour."""
    rows = {"image": images, "first regions": []} | {f"{left} left": [] for left in LEFT}
    for image in images.astype(np.float64):
        smooth = smoothed(image)
        labels = segment_graph(smooth, scale=search.region_scale, least=search.least_region)
        regions = measure_regions(labels, colour_bins(image), texture_bins(smooth))
        _, merges = group_regions(regions, neighbours(labels), pixels=labels.size, measures=STRATEGIES[0])
        rows["first regions"].append(_in_mean_colours(image, labels))
        for left in LEFT:
            rows[f"{left} left"].append(_in_mean_colours(image, _after(labels, merges, left)))
    return image_rows({name: np.stack(list(each)) for name, each in rows.items()}, title="merging the likest regions")


def _after(
    labels: Int[np.ndarray, "height width"], merges: Int[np.ndarray, "merges 2"], left: int
) -> Int[np.ndarray, "height width"]:
    """The regions when so many are left, or the first where there are fewer."""
    count, labels = len(merges) + 1, labels.copy()
    for new, pair in enumerate(merges[: max(0, count - left)], count):
        labels[np.isin(labels, pair)] = new
    return labels


def _in_mean_colours(
    image: Float[np.ndarray, "height width channels"], labels: Int[np.ndarray, "height width"]
) -> Float[np.ndarray, "height width channels"]:
    shown = np.empty_like(image)
    for number in np.unique(labels):
        shown[labels == number] = image[labels == number].mean(axis=0)
    return shown


def found_by_both(
    scenes: Mapping[str, np.ndarray], found: "Mapping[str, Detections]", names: Sequence[str]
) -> "Figure":
    """Images under their objects' boxes, and below under those that either way finds."""
    true = [
        [Drawn(box, label) for box, label in zip(*of, strict=True) if label >= 0]
        for of in zip(scenes["box"], scenes["label"], strict=True)
    ]
    rows = [
        [Drawn(box, label, f"{score:.2f}") for box, score, label in zip(*of, strict=True) if score >= SURE]
        for name in ("regions", "single_shot")
        for of in zip(*(np.asarray(part) for part in found[name]), strict=True)
    ]
    images = scenes["image"]
    titles = ("objects", NAMES["regions"], NAMES["single_shot"])
    return boxed_images(
        np.concatenate([images] * len(titles)),
        [*true, *rows],
        columns=len(images),
        title=f"boxes of objects, and those found with a score of {SURE:g} or more",
        legend=names,
        captions=[text for title in titles for text in (title, *[""] * (len(images) - 1))],
    )
