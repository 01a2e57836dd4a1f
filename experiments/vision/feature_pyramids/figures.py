"""Pictures of what four detectors find, and at what cost."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments import numerals
from experiments.plots.boxes import Drawn, boxed_images
from experiments.plots.canvas import PALETTE, canvas, legend_below

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from losses.metrics.detection import Detections

NAMES = {
    "image_pyramid": "image pyramid",
    "single_map": "single map",
    "hierarchy": "hierarchy",
    "feature_pyramid": "feature pyramid",
}
SURE = 0.5
"""Least score of a box that is drawn."""


def precision_table(measured: Mapping[str, Mapping[str, float]], areas: Mapping[str, tuple[float, float]]) -> "Figure":
    """A row a form: average precision of all objects and of each size, and what an image costs."""
    from matplotlib.figure import Figure

    columns = {"ap": "AP", "ap50": "AP50"}
    columns |= {f"ap_{size}": f"AP {size}\n{_sides(*each)}" for size, each in areas.items()}
    columns |= {"flops": "FLOPs\nof an image", "parameters": "parameters"}
    units = dict.fromkeys(columns, "%") | {"flops": "FLOP", "parameters": "parameters"}
    figure = Figure(figsize=(8.6, 0.34 * len(measured) + 1.1), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title("average precision in %, and cost", loc="left", fontsize=11)
    rows = [[numerals.measured(float(row[name]), unit=units[name]) for name in columns] for row in measured.values()]
    table = axes.table(
        cellText=rows,
        rowLabels=[NAMES[form] for form in measured],
        colLabels=list(columns.values()),
        cellLoc="right",
        bbox=(0, 0, 1, 1),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    for (row, _), cell in table.get_celld().items():
        cell.set_edgecolor("#dddddd")
        cell.set_height(2 if row == 0 else 1)
    return figure


def _sides(least: float, most: float) -> str:
    """Of areas the roots of their limits, in pixels."""
    low, high = round(np.sqrt(least)), np.sqrt(most)
    if not low:
        return f"below {round(high)}²"
    return f"{low}² or more" if np.isinf(high) else f"{low}² to {round(high)}²"


def precision_and_cost(measured: Mapping[str, Mapping[str, float]]) -> "Figure":
    """Average precision at IoU 0.5 of each form over what an image costs."""
    figure, axes = canvas("average precision at IoU 0.5 by the cost of an image")
    for number, (form, row) in enumerate(measured.items()):
        axes.plot(row["flops"] / 1e6, row["ap50"], "o", color=PALETTE[number], label=NAMES[form], markersize=9)
    axes.set(xlabel="FLOPs of an image (millions)", ylabel="AP50 (%)", ylim=(0, 100))
    axes.set_xlim(left=0)
    legend_below(figure, columns=4)
    return figure


def found_by_forms(
    scenes: Mapping[str, Float[np.ndarray, "images ..."]], found: "Mapping[str, Detections]"
) -> "Figure":
    """Images under their objects' boxes, and below, a row a form, under those that are found."""
    true = [
        [Drawn(box, 0) for box, label in zip(*of, strict=True) if label >= 0]
        for of in zip(scenes["box"], scenes["label"], strict=True)
    ]
    rows = [
        [Drawn(box, 1) for box, score in zip(*of, strict=True) if score >= SURE]
        for each in found.values()
        for of in zip(np.asarray(each.box), np.asarray(each.score), strict=True)
    ]
    images = scenes["image"]
    names = ("objects", *(NAMES[form] for form in found))
    return boxed_images(
        np.concatenate([images] * len(names)),
        [*true, *rows],
        columns=len(images),
        title=f"boxes of objects, and those found with a score of {SURE:g} or more",
        captions=[text for name in names for text in (name, *[""] * (len(images) - 1))],
    )
