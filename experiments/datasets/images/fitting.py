"""Pictures of any proportions in a square of one size, and boxes that go there and back."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from experiments.datasets.images.pictures import read_pixels

MARGIN = 128
"""The grey of what is in the square and not in the picture."""


class Fit(NamedTuple):
    """How a picture lies in its square; sizes are (width, height) in pixels."""

    size: tuple[int, int]
    """of the picture as it was"""
    inner: tuple[int, int]
    """of the picture in the square"""
    corner: tuple[int, int]
    """its left and its top edge in the square"""

    @property
    def scale(self) -> Float[np.ndarray, " 4"]:
        """Pixels of the square for one of the picture, for each number of a box."""
        return np.tile(np.divide(self.inner, self.size), 2)

    def into(self, boxes: Float[np.ndarray, "*boxes 4"]) -> Float[np.ndarray, "*boxes 4"]:
        """Boxes (left, top, right, bottom) of the picture as boxes of the square."""
        return (boxes * self.scale + np.tile(self.corner, 2)).astype(np.float32)

    def back(self, boxes: Float[np.ndarray, "*boxes 4"]) -> Float[np.ndarray, "*boxes 4"]:
        """Boxes of the square as boxes of the picture, cut where they leave it."""
        found = (boxes - np.tile(self.corner, 2)) / self.scale
        return np.clip(found, 0, np.tile(self.size, 2)).astype(np.float32)


def fit(width: int, height: int, side: int) -> Fit:
    """The picture in the middle of the square, as large as it can be with its proportions kept."""
    inner = [max(1, round(each * side / max(width, height))) for each in (width, height)]
    return Fit((width, height), (inner[0], inner[1]), ((side - inner[0]) // 2, (side - inner[1]) // 2))


def read_fitted(path: Path, *, side: int, channels: int) -> tuple[UInt8[np.ndarray, "side side channels"], Fit]:
    """The picture in ``path``, upright, in a grey square, resized with anti-aliasing where its size is another.

    ``DataError`` where it is no PNG or JPEG, is damaged or transparent.
    """
    from PIL import Image

    pixels = read_pixels(path, "L" if channels == 1 else "RGB")
    place = fit(pixels.shape[1], pixels.shape[0], side)
    picture = Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels)
    if place.inner != place.size:
        picture = picture.resize(place.inner, Image.Resampling.LANCZOS)
    square = np.full((side, side, channels), MARGIN, np.uint8)
    (left, top), (width, height) = place.corner, place.inner
    square[top : top + height, left : left + width] = np.asarray(picture).reshape(height, width, channels)
    return square, place
