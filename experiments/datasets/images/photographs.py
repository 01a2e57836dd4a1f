"""Photographs: the two that come with scikit-learn, and a person's own, of any size."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float

from experiments.datasets.images.pictures import read_upright

FOLDER = "datasets/images"
"""In scikit-learn's folder; importing scikit-learn would take most of a second."""
PHOTOGRAPHS = ("china", "flower")
"""A temple before a lake, and a dahlia: 427×640 pixels each, free to use with attribution (Creative Commons)."""


def photograph(name: str) -> Path:
    """The file of one of ``PHOTOGRAPHS``."""
    return Path(find_spec("sklearn").origin).parent / FOLDER / f"{name}.jpg"


def read_photograph(path: Path, *, longest: int = 0) -> Float[np.ndarray, "height width 3"]:
    """The picture in colours, values in [0, 1], made smaller where its longer side is above ``longest`` pixels.

    Its proportions are kept to half a pixel; 0 leaves every size as it is. Raises ``DataError`` where the file is no
    PNG or JPEG of 8 bits a channel, is damaged or transparent.
    """
    from PIL import Image

    pixels = read_upright(path, "RGB")
    height, width = pixels.shape[:2]
    if longest and max(height, width) > longest:
        scale = longest / max(height, width)
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(Image.fromarray(pixels).resize(smaller, Image.Resampling.LANCZOS))
    return np.divide(pixels, 255, dtype=np.float32)
