"""Square crops of photographs, drawn from parts of them that no two splits share."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from experiments.datasets.dataset import DataError, Dataset
from experiments.datasets.generated import generated
from experiments.datasets.images.folder import SUFFIXES
from experiments.numerals import counted

LARGEST = 3
"""Times its final side that a crop may have before it is made smaller."""
Picture = Float[np.ndarray, "_ _ 3"]


def pictures_in(folder: Path) -> list[Path]:
    """The PNG and JPEG files in a folder in the order of their names.

    Raises ``DataError`` where there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of PNG or JPEG pictures, found {_kind(folder)}")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    if not found:
        raise DataError(f"{folder}: expected .png or .jpg pictures, found none")
    return found


def photograph_crops(pictures: Mapping[str, Picture], *, size: int, examples: int, held_out: int) -> Dataset:
    """Crops "image" of ``size`` × ``size`` pixels, ``examples`` for training, ``held_out`` for validation and the test.

    They are drawn evenly from the pictures: along the longer side of each, for training from the first half, for
    validation from the next quarter, for the test from the last. A crop's side is drawn evenly from ``size`` to
    ``LARGEST`` times it, or to what there is, its place evenly, and it is made smaller with anti-aliasing. Every crop
    is a function of its number and of the split. Pictures are given by what they are in words. Raises ``DataError``
    where one is so small that a part of it holds no crop.
    """
    parts = [_parts(words, picture, size) for words, picture in pictures.items()]
    splits = {}
    for number, (split, count) in enumerate({"train": examples, "valid": held_out, "test": held_out}.items()):
        generator = np.random.Generator(np.random.Philox(number))
        crops = [_crop(generator, parts[i % len(parts)][number], size) for i in range(count)]
        splits[split] = {"image": np.stack(crops)}
    what = f"{examples}/{held_out}/{held_out} crops of {counted(len(parts), 'photograph')}"
    protocol = f"{what}, {size}×{size} pixels, from a half, a quarter and a quarter of each"
    return generated("photographs", protocol, splits)


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "no such folder"


def _parts(words: str, picture: Picture, size: int) -> tuple[Picture, Picture, Picture]:
    along = int(np.argmax(picture.shape[:2]))
    extent = picture.shape[along]
    parts = np.split(picture, [extent // 2, extent * 3 // 4], axis=along)
    if min(side for part in parts for side in part.shape[:2]) < size:
        raise DataError(
            f"{words} pixels: crops of {size} need {4 * size} along the longer side and {size} along the other, as "
            "validation and test have a quarter each"
        )
    return tuple(parts)


def _crop(generator: np.random.Generator, part: Picture, size: int) -> Float[np.ndarray, "size size 3"]:
    side = int(generator.integers(size, min(LARGEST * size, *part.shape[:2]), endpoint=True))
    top, left = (int(generator.integers(0, extent - side, endpoint=True)) for extent in part.shape[:2])
    return _smaller(part[top : top + side, left : left + side], size)


def _smaller(crop: Picture, size: int) -> Float[np.ndarray, "size size 3"]:
    from PIL import Image

    if len(crop) == size:
        return crop
    pixels = Image.fromarray(np.round(255 * crop).astype(np.uint8))
    return np.divide(np.asarray(pixels.resize((size, size), Image.Resampling.LANCZOS)), 255, dtype=np.float32)
