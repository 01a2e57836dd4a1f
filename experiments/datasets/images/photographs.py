"""Photographs: those that come with scikit-learn, and files of the user's own, at any size."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from experiments.datasets.images.pictures import read_pixels

Photograph = Literal["china", "flower"]


def photograph(
    name: Photograph, file: Path | None = None, *, side: int = 0
) -> tuple[Float[np.ndarray, "height width 3"], str]:
    """A colour picture with values in [0, 1], and what it is in words.

    ``china`` (a temple) and ``flower`` are scikit-learn's, of 427 × 640 pixels; with a ``file``, PNG or JPEG, it is
    that. One whose longer side has more than ``side`` pixels is made as small, with anti-aliasing and its proportions
    kept; 0 leaves it as it is. ``DataError`` where the file cannot be read.
    """
    pixels = read_pixels(file, "RGB") if file else photograph_pixels(name)
    height, width = pixels.shape[:2]
    if side and max(height, width) > side:
        pixels = _smaller(pixels, side / max(height, width))
    words = file.name if file else f"scikit-learn's {name}"
    return np.divide(pixels, 255, dtype=np.float32), f"{words}, {pixels.shape[0]}×{pixels.shape[1]}"


def photograph_pixels(name: Photograph) -> UInt8[np.ndarray, "427 640 3"]:
    """A photograph that comes with scikit-learn, as it is. Importing scikit-learn would take most of a second."""
    return read_pixels(Path(find_spec("sklearn").origin).parent / "datasets" / "images" / f"{name}.jpg", "RGB")


def _smaller(pixels: UInt8[np.ndarray, "height width 3"], factor: float) -> UInt8[np.ndarray, "_ _ 3"]:
    from PIL import Image

    height, width = (max(1, round(size * factor)) for size in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))
