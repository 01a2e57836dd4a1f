"""Boxes on images: what is drawn stays to be seen however many classes there are."""

import numpy as np
import pytest
from legibility import assert_legible

from experiments.plots.boxes import COLOURS, Drawn, boxed_images
from experiments.vision.yolo.figures import precision_by_threshold


@pytest.mark.parametrize("classes", [3, 80])
def test_a_legend_names_each_colour_once(classes):
    names = [f"class {number}" for number in range(classes)]
    drawn = [[Drawn(np.array([2.0, 2, 20, 20]), classes - 1, "")]]
    figure = boxed_images(np.zeros((1, 64, 64, 3)), drawn, columns=1, title="boxes", legend=names, side=4)
    assert_legible(figure)
    figure.canvas.draw()
    assert figure.axes[0].get_window_extent().height > 0.5 * figure.bbox.height
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    further = [f"and {classes - len(COLOURS)} more"] if classes > len(COLOURS) else []
    assert said == names[: len(COLOURS)] + further


@pytest.mark.parametrize("classes", [3, 80])
def test_curves_of_many_classes_stay_to_be_seen(classes):
    precision = np.linspace(90, 10, 10)[None] * np.ones((classes, 1))
    figure = precision_by_threshold(
        np.linspace(0.5, 0.95, 10), precision, [f"class {i}" for i in range(classes)], ap50=9.0
    )
    assert_legible(figure)
    assert len(figure.axes[0].get_lines()) == classes
