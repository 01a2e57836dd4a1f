"""Windows of all sizes and shapes at regular places of a picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def sliding_windows(
    image: tuple[int, int], *, sides: Sequence[float], ratios: Sequence[float], step: float
) -> Float[np.ndarray, "windows 4"]:
    """All windows within a picture of (height, width) pixels, as (left, top, right, bottom), the smallest first.

    Root of the area is one of the ``sides``, width over height one of the ``ratios``. They are at most ``step`` of
    their width and height apart, evenly from border to border; a window larger than the picture is left out.
    """
    height, width = image
    windows = []
    for side in sides:
        for ratio in ratios:
            wide, high = side * np.sqrt(ratio), side / np.sqrt(ratio)
            if wide > width or high > height:
                continue
            left, top = (_places(extent - each, step * each) for extent, each in ((width, wide), (height, high)))
            corner = np.stack(np.meshgrid(left, top), axis=-1).reshape(-1, 2)
            windows.append(np.concatenate([corner, corner + np.array([wide, high])], axis=1))
    return np.concatenate(windows) if windows else np.zeros((0, 4))


def _places(room: float, step: float) -> Float[np.ndarray, " places"]:
    """From 0 to ``room``, evenly, no further than ``step`` apart."""
    return np.linspace(0, room, 1 + int(np.ceil(room / step - 1e-9)))
