"""Keys of colours and markers: all names are there, beside what is drawn and inside the figure."""

import numpy as np
import pytest
from legibility import assert_legible

from experiments.plots.segmentation import COLOURS, segmented_rows
from experiments.vision.anchors.figures import sizes_and_anchors
from experiments.vision.feature_pyramids.figures import NAMES, precision_and_cost
from experiments.vision.style_transfer.figures import Made, trade_off

CLASSES = ("background", "circle", "square", "triangle")


@pytest.mark.parametrize(("images", "side"), [(8, 32), (1, 96), (1, 192), (1, 600)])
def test_the_colour_of_every_class_is_named_below_the_pictures(images, side):
    labels = np.zeros((images, side, side), np.int32)
    figure = segmented_rows(labels[..., None].astype(float), labels, {"net": labels}, CLASSES, title=None)
    assert_legible(figure)
    figure.canvas.draw()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(CLASSES)
    found = [patch.get_facecolor()[:3] for patch in legend.get_patches()]
    np.testing.assert_allclose(found, COLOURS[: len(CLASSES)])
    assert _inside(legend.get_window_extent(), figure.bbox)
    assert legend.get_window_extent().y1 <= figure.axes[0].get_window_extent().y0


def _points():
    random = np.random.default_rng(0)
    picture = np.zeros((4, 4, 3))
    made = [Made(start, 10.0**power, picture, 1e-3, 1e-4) for start in ("noise", "content") for power in (1, 4, 7)]
    measured = {form: {"flops": 1e6 * random.random(), "ap50": 100 * random.random()} for form in NAMES}
    yield trade_off(made)
    yield precision_and_cost(measured)
    yield sizes_and_anchors(*(random.random((count, 2)) for count in (500, 9, 9)))


def test_markers_are_named_below_the_panel_where_none_is_taken_for_a_point():
    for figure in _points():
        assert_legible(figure)
        figure.canvas.draw()
        (legend,) = figure.legends
        assert _inside(legend.get_window_extent(), figure.bbox)
        assert legend.get_window_extent().y1 <= figure.axes[0].get_tightbbox().y0
        assert all(axes.get_legend() is None for axes in figure.axes)


def _inside(inner, outer):
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1
