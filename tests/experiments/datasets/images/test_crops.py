"""Crops come from where they are said to come from, and no split sees the part of another."""

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DataError
from experiments.datasets.images.crops import photograph_crops, pictures_in
from experiments.datasets.images.photographs import photograph

HEIGHT, WIDTH = 48, 160


def ramps_in(folder, upright=False):
    """Two pictures whose red says the column and whose green the row; the blue of the second is full."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for number in range(2):
        blue = np.full((HEIGHT, WIDTH), 255 * number)
        pixels = np.stack([columns, rows, blue], axis=-1).astype(np.uint8)
        Image.fromarray(pixels.swapaxes(0, 1) if upright else pixels).save(folder / f"{number}.png")
    return dict(photograph("china", path)[::-1] for path in pictures_in(folder))


@pytest.fixture
def ramps(tmp_path):
    return ramps_in(tmp_path)


@pytest.mark.parametrize("upright", [False, True])
def test_each_split_has_a_part_of_each_picture(tmp_path, upright):
    """Along the longer side, whichever that is."""
    dataset = photograph_crops(ramps_in(tmp_path, upright), size=12, examples=60, held_out=20)
    for split, (first, last) in {"train": (0, 80), "valid": (80, 120), "test": (120, 160)}.items():
        crops = 255 * dataset.splits[split]["image"]
        assert crops.shape == ((60 if split == "train" else 20), 12, 12, 3)
        assert first <= crops[..., 0].min() < first + 5
        assert last - 5 < crops[..., 0].max() <= last - 1
        assert crops[..., 1].min() < 6
        assert crops[..., 1].max() > HEIGHT - 7
        np.testing.assert_array_equal(crops[..., 2].mean(axis=(1, 2)) > 128, np.arange(len(crops)) % 2)


def test_a_crop_is_a_square_of_the_picture_made_smaller(ramps):
    """Steps between neighbours are the crop's side over its final one, the same along rows and columns."""
    crops = 255 * photograph_crops(ramps, size=12, examples=60, held_out=1).splits["train"]["image"]
    across = (crops[:, :, 9, 0] - crops[:, :, 3, 0]).mean(axis=1) / 6
    down = (crops[:, 9, :, 1] - crops[:, 3, :, 1]).mean(axis=1) / 6
    np.testing.assert_allclose(across, down, atol=0.1)
    assert 0.95 < across.min() < 1.2
    assert 2.7 < across.max() < 3.05


def test_what_cannot_be_cut_is_told(ramps, tmp_path):
    with pytest.raises(DataError, match=r"0\.png, 48×160 pixels: crops of 45 need 180 along the longer side"):
        photograph_crops(ramps, size=45, examples=1, held_out=1)
    with pytest.raises(DataError, match="found no such folder"):
        pictures_in(tmp_path / "none")
    with pytest.raises(DataError, match="found a file"):
        pictures_in(tmp_path / "0.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="found none"):
        pictures_in(tmp_path / "empty")
