"""What cannot be read as a picture: told in plain words, whatever was raised."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DataError
from experiments.datasets.images.pictures import read_pixels, refuse_absent


def gone(path: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("no picture")


def cut(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:900])


def flipped(path: Path) -> None:
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(path)
    whole = bytearray(path.read_bytes())
    whole[20] ^= 1
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (gone, "no such file: give"),
        (folder, "is a folder: give its files, "),
        (text, "cannot be read as PNG or JPEG (it begins as neither); save it again"),
        (cut, "cannot be read as PNG or JPEG ("),
        (flipped, "cannot be read as PNG or JPEG ("),
    ],
)
def test_what_is_no_picture_is_told_without_a_name_of_python(tmp_path: Path, make, said: str) -> None:
    path = tmp_path / "own.png"
    make(path)
    with pytest.raises(DataError) as refused:
        read_pixels(path, "L")
    assert str(refused.value).startswith(f"{path}: {said}")
    assert not re.search(r"Error|Warning|Errno|Path\(", str(refused.value))


def test_all_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "there.png").write_text("")
    absent = [tmp_path / "none.png", tmp_path / ("long" * 99), tmp_path / "there.png" / "below.png"]
    with pytest.raises(DataError) as refused:
        refuse_absent([tmp_path / "there.png", tmp_path, *absent])
    *files, last = absent
    assert all(f"{path}: no such file: give a PNG or JPEG that is there; " in str(refused.value) for path in files)
    assert f"{tmp_path}: is a folder: give its files, {tmp_path}/*.png; " in str(refused.value)
    assert f"{last}: no such file" in str(refused.value)
    refuse_absent([tmp_path / "there.png"])
