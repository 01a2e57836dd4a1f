"""Patches are parts of the photographs, all of them of their regions, the same ones every time."""

import numpy as np

from experiments.datasets import load
from experiments.datasets.images.patches import read_patches
from experiments.datasets.images.photographs import photograph_pixels


def test_sizes_classes_and_names():
    dataset = load("patches", data_dir=None)
    assert (dataset.image_shape, dataset.classes, dataset.levels) == ((32, 32, 3), 12, 256)
    assert dataset.class_names[0] == "china, top left"
    assert dataset.class_names[11] == "flower, bottom right"
    for split, count in (("train", 240), ("valid", 30), ("test", 30)):
        np.testing.assert_array_equal(np.bincount(dataset.splits[split]["label"]), np.full(12, count))
        assert 0 <= dataset.splits[split]["image"].min() < dataset.splits[split]["image"].max() <= 1
    assert "overlapping squares" in dataset.protocol


def test_they_are_the_same_every_time():
    first, second = (read_patches().splits["train"]["image"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_those_that_were_not_made_smaller_are_in_the_region_that_they_are_named_after():
    """Of the first class, whether mirrored or not: the upper left of the temple."""
    test, region = read_patches().splits["test"], photograph_pixels("china")[:213, :213] / np.float32(255)
    windows = np.lib.stride_tricks.sliding_window_view(region, (32, 32, 3))[:, :, 0]
    corners = windows[..., 0, 0, :]
    found = 0
    for image in test["image"][test["label"] == 0]:
        for seen in (image, image[:, ::-1]):
            places = np.argwhere((corners == seen[0, 0]).all(axis=-1))
            found += any((windows[row, column] == seen).all() for row, column in places)
    assert 3 <= found <= 20  # about a third of thirty
