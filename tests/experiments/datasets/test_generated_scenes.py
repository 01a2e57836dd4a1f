"""Scenes against what their own pixels say."""

import numpy as np
import pytest

from experiments.datasets.generated_scenes import LEAST_VISIBLE, SHAPE_CLASSES, inside, of_one_class, shape_scenes


@pytest.fixture(scope="module")
def scenes():
    return shape_scenes(examples=60, held_out=10, channels=3)


def test_boxes_are_around_the_visible_pixels_and_masks_say_what_they_are(scenes):
    for image, boxes, labels, _, mask, instance in zip(*scenes.splits["train"].values(), strict=True):
        assert image.shape == (64, 64, 3)
        assert 0 <= image.min() < image.max() <= 1
        count = instance.max()
        assert 1 <= count <= 4
        assert set(np.unique(instance)) >= set(range(1, count + 1))
        assert (labels[:count] >= 0).all()
        assert (labels[count:] == -1).all()
        assert (boxes[count:] == 0).all()
        for number in range(count):
            seen = instance == number + 1
            left, top, right, bottom = boxes[number].astype(int)
            assert seen[top:bottom, left:right].sum() == seen.sum()
            assert all(edge.any() for edge in (seen[top], seen[bottom - 1], seen[:, left], seen[:, right - 1]))
            assert (mask[seen] == labels[number] + 1).all()
        assert (mask[instance == 0] == 0).all()


def test_shapes_have_their_areas():
    """π/4, 1 and ½ of the box, as many points say."""
    ticks = (np.arange(400) + 0.5) / 400 * 1.5 - 0.25
    shares = [inside(label, ticks[None, :], ticks[:, None]).mean() * 1.5**2 for label in range(3)]
    np.testing.assert_allclose(shares, [np.pi / 4, 1, 0.5], atol=0.01)


def test_scenes_are_the_same_again_and_differ_between_splits(scenes):
    assert shape_scenes(examples=60, held_out=10, channels=3).fingerprint == scenes.fingerprint
    first = [scenes.splits[split]["image"][0] for split in ("train", "valid", "test")]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])


def test_there_are_overlaps_several_scales_and_all_classes():
    dataset = shape_scenes(examples=200, held_out=5)
    train = dataset.splits["train"]
    there = train["label"] >= 0
    counts = np.bincount(train["label"][there], minlength=len(SHAPE_CLASSES))
    assert counts.min() > 0.25 * counts.sum()
    sizes = np.sqrt(np.prod(train["box"][there][:, 2:] - train["box"][there][:, :2], axis=1))
    assert np.quantile(sizes, 0.05) < 10 < 20 < np.quantile(sizes, 0.95)
    assert np.bincount(there.sum(axis=1), minlength=5)[1:].min() > 10
    area = (train["instance"][..., None] == np.arange(1, 5)).sum(axis=(1, 2))
    boxes = np.prod(train["box"][..., 2:] - train["box"][..., :2], axis=-1)
    rectangles = train["label"] == SHAPE_CLASSES.index("rectangle")
    hidden = area[rectangles] / boxes[rectangles]
    assert 0.02 < np.mean(hidden < 1) < 0.6
    assert hidden.min() >= LEAST_VISIBLE - 1e-6


def test_of_one_class_all_that_is_there_has_label_0(scenes):
    merged = of_one_class(scenes, "shape")
    assert (merged.classes, merged.class_names) == (1, ("shape",))
    assert merged.fingerprint != scenes.fingerprint
    assert merged.protocol == f"{scenes.protocol}, one class"
    for split, each in scenes.splits.items():
        np.testing.assert_array_equal(merged.splits[split]["label"] == 0, each["label"] >= 0)
        np.testing.assert_array_equal(merged.splits[split]["box"], each["box"])
