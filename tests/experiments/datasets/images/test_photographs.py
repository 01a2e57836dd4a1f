"""Photographs keep their proportions; a file gives back what was saved."""

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DataError
from experiments.datasets.images.photographs import photograph


@pytest.mark.parametrize("name", ["china", "flower"])
def test_those_that_ship_are_of_their_size_or_smaller_in_proportion(name):
    whole, words = photograph(name)
    assert (whole.shape, whole.dtype) == ((427, 640, 3), np.float32)
    assert words == f"scikit-learn's {name}, 427×640"
    small, _ = photograph(name, side=160)
    assert small.shape == (107, 160, 3)
    assert 0 <= small.min() < small.max() <= 1
    np.testing.assert_allclose(small.mean(axis=(0, 1)), whole.mean(axis=(0, 1)), atol=2e-3)


def test_a_file_is_read_as_it_is_and_never_made_larger(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    for side in (0, 9, 100):
        found, words = photograph("china", tmp_path / "mine.png", side=side)
        np.testing.assert_array_equal(found, pixels / np.float32(255))
    assert words == "mine.png, 5×9"
    assert photograph("china", tmp_path / "mine.png", side=3)[0].shape == (2, 3, 3)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "mine.png").write_text("text")
    with pytest.raises(DataError, match="cannot be read as PNG or JPEG"):
        photograph("china", tmp_path / "mine.png")
