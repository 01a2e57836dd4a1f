"""Anchors from scenes: what is measured is what a loop over boxes says; clusters serve better than squares."""

import json

import jax
import numpy as np
import pytest
from boxes_by_hand import overlap
from PIL import Image
from trained import measured, trained

from experiments.datasets import DataError
from experiments.run.settings import configure
from experiments.vision.anchors.experiment import AnchorsSettings, data, squares


def test_clusters_overlap_boxes_more_than_squares_by_as_much_as_loops_say():
    settings = configure(AnchorsSettings(), scenes=200, held_out=20, most_anchors=5, steps=10)
    run, params = trained("anchors", settings)
    found = {name: float(np.mean(value)) for name, value in measured(run, params).items()}
    assert found["clusters_5/iou"] > found["squares_5/iou"] + 2
    sizes = run.dataset.splits["test"]["size"]
    anchors = {
        "clusters": np.asarray(jax.tree.map(lambda leaf: leaf[0], params)["3"]),
        "squares": squares(run.dataset.splits["train"]["size"][0], 3),
    }
    for kind, given in anchors.items():
        best = [max(overlap([0, 0, *size], [0, 0, *anchor]) for anchor in given) for size in sizes]
        assert found[f"{kind}_3/iou"] == pytest.approx(100 * np.mean(best), rel=1e-5)


def test_squares_divide_the_range_of_sides_into_equal_factors():
    given = np.array([[1.0, 4.0], [16.0, 2.0]])
    np.testing.assert_allclose(squares(given, 2), [[2, 2], [8, 8]], rtol=1e-6)


def test_sizes_that_fall_are_refused():
    with pytest.raises(ValueError, match="--least-side 30"):
        configure(AnchorsSettings(), least_side=30.0)


@pytest.mark.parametrize("boxes", [0, 9])
def test_scenes_of_too_few_boxes_are_refused(tmp_path, boxes):
    """Nine boxes in ten pictures: some are of the splits that are held out."""
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    for i in range(10):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(tmp_path / f"{i}.png")
        content["images"].append({"id": i, "file_name": f"{i}.png", "width": 8, "height": 8})
        if i < boxes:
            content["annotations"].append({"id": i, "image_id": i, "category_id": 1, "bbox": [1, 1, 2 + i / 2, 3]})
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"{min(boxes, 8)} boxes of split train are too few for 9 anchors"):
        data(configure(AnchorsSettings(), data_dir=tmp_path, image_size=16))
