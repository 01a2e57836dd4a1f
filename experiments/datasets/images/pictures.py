"""PNG and JPEG files as arrays, by Pillow."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from experiments.datasets.dataset import DataError
from experiments.numerals import counted

if TYPE_CHECKING:
    from PIL import Image

GREY = ("1", "L", "LA")
COLOURED = ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr")
ORIENTATION, ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)
"""The EXIF tag that says how a camera was held, and its values where height and width change places."""


def common_form(where: Path, paths: Sequence[Path]) -> tuple[tuple[int, int, int], str]:
    """Height, width and channels of all pictures, and their mode: "L" if all are grey, otherwise "RGB".

    Reads the beginning of each file alone. Raises DataError, naming `where` and the sizes found, if they differ, or if
    a file is no picture of 8 bits a channel.
    """
    sizes, modes = Counter(), set()
    for path in paths:
        size, mode = _size_and_mode(path)
        sizes[size] += 1
        modes.add(mode)
    if len(sizes) > 1:
        found = ", ".join(f"{count:,} of {width}×{height}" for (width, height), count in sizes.most_common(4))
        more = f" and {counted(len(sizes) - 4, 'other size')}" if len(sizes) > 4 else ""
        (width, height), _ = sizes.most_common(1)[0]
        raise DataError(
            f"{where}: expected pictures of one size, found {found}{more}; "
            f"resize them, for example to {width}×{height}: docs/data.md shows how"
        )
    ((width, height),) = sizes
    mode = "L" if modes <= set(GREY) else "RGB"
    return (height, width, len(mode)), mode


def refuse_absent(paths: Sequence[Path]) -> None:
    """Raises DataError, naming all of the paths where there is no file."""
    if found := [f"{path}: {fault}" for path in paths if (fault := absent(path))]:
        raise DataError("; ".join(found))


def absent(path: Path) -> str:
    """Why there is no file to read, and what to give; "" where there is one."""
    if os.path.isdir(path):  # where pathlib would raise, as for a name that is too long, there is no file either
        return f"is a folder: give its files, {path}/*.png"
    return "" if os.path.exists(path) else "no such file: give a PNG or JPEG that is there"


def read_pixels(path: Path, mode: str) -> UInt8[np.ndarray, "height width channels"]:
    """The picture in `path`, upright; `mode` is "L" or "RGB".

    Raises DataError if it is damaged or transparent, or has not 8 bits a channel.
    """
    from PIL import ImageOps

    with _opened(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            if upright.getextrema()[3][0] < 255:
                raise DataError(
                    f"{path}: the picture is transparent, and what lies behind it is not known; save it "
                    "without an alpha channel: docs/data.md shows how"
                )
        pixels = np.asarray(upright.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def read_intensities(path: Path, channels: int) -> np.ndarray:
    """The picture in `path`, of its own size, as float32 [H, W, channels] in [0, 1]; raises DataError as
    `read_pixels`.
    """
    return np.divide(read_pixels(path, "L" if channels == 1 else "RGB"), 255, dtype=np.float32)


def read_resized(path: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture in `path` as float32 [H, W, C] in [0, 1] of the given `shape`, and the height and width that it had.

    One of another size is resized with anti-aliasing, its proportions not kept. Raises DataError as `read_pixels`, and
    if it has not 8 bits a channel.
    """
    from PIL import Image

    _size_and_mode(path)
    height, width, channels = shape
    pixels = read_pixels(path, "L" if channels == 1 else "RGB")
    found = pixels.shape[:2]
    if found != (height, width):
        picture = Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels)
        pixels = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS)).reshape(shape)
    return np.divide(pixels, 255, dtype=np.float32), found


def _size_and_mode(path: Path) -> tuple[tuple[int, int], str]:
    """Width and height of the upright picture, and Pillow's mode."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _opened(path) as picture:
            width, height = picture.size
            on_its_side = picture.getexif().get(ORIENTATION) in ON_ITS_SIDE
            return ((height, width) if on_its_side else (width, height)), picture.mode


@contextmanager
def _opened(path: Path) -> "Iterator[Image.Image]":
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            if picture.mode not in GREY + COLOURED:
                raise DataError(f"{path}: expected 8 bits a channel, found mode {picture.mode}; save it with 8 bits")
            yield picture
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders each raise their own kinds
        raise DataError(f"{path}: {absent(path) or _unreadable(error)}") from error


def _unreadable(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    told = getattr(error, "strerror", None) or str(error).rstrip(".") or "damaged"
    reason = "it begins as neither" if isinstance(error, UnidentifiedImageError) else told
    return f"cannot be read as PNG or JPEG ({reason}); save it again, or take it away"
