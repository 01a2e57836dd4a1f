"""Photographs keep their proportions, small ones their size, and what is no picture is told in one line."""

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DataError
from experiments.datasets.images.photographs import PHOTOGRAPHS, photograph, read_photograph


def test_the_photographs_are_scikit_learns():
    from sklearn.datasets import load_sample_image

    for name in PHOTOGRAPHS:
        expected = load_sample_image(f"{name}.jpg")
        assert expected.shape == (427, 640, 3)
        np.testing.assert_array_equal(np.round(255 * read_photograph(photograph(name))), expected)


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((427, 640), 64, (43, 64)),
        ((640, 427), 64, (64, 43)),
        ((9, 7), 64, (9, 7)),
        ((9, 7), 0, (9, 7)),
        ((1, 90), 30, (1, 30)),
    ],
)
def test_the_longer_side_is_made_smaller_and_proportions_are_kept(tmp_path, size, longest, expected):
    Image.new("RGB", size[::-1], (255, 0, 102)).save(tmp_path / "a.png")
    read = read_photograph(tmp_path / "a.png", longest=longest)
    assert read.shape == (*expected, 3)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, np.broadcast_to(np.float32([1, 0, 0.4]), read.shape), atol=1e-6)


def test_a_grey_picture_has_three_equal_channels(tmp_path):
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(tmp_path / "a.png")
    read = read_photograph(tmp_path / "a.png")
    np.testing.assert_allclose(read, np.repeat(np.arange(12).reshape(3, 4, 1) / 255, 3, axis=2), atol=1e-6)


def damaged(path):
    path.write_bytes(photograph("china").read_bytes()[:5000])


def deep(path):
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(path, format="PNG")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read as PNG or JPEG"),
        (lambda path: path.mkdir(), "cannot be read as PNG or JPEG"),
        (lambda path: path.write_text("no picture"), "cannot be read as PNG or JPEG"),
        (damaged, "cannot be read as PNG or JPEG"),
        (deep, "8 bits a channel"),
        (lambda path: Image.new("RGBA", (4, 4)).save(path, format="PNG"), "transparent"),
    ],
)
def test_what_is_no_picture_is_told_in_one_line(tmp_path, make, message):
    path = tmp_path / "a.png"
    make(path)
    with pytest.raises(DataError, match=message) as caught:
        read_photograph(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
