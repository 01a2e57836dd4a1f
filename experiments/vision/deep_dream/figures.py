"""Pictures before and after a dream."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.images import image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = Float[np.ndarray, "height width channels"]
WIDTH = 480
"""Pixels that a picture is drawn with, at least about."""


def octaves(picture: Picture, stages: Mapping[str, Sequence[Picture]]) -> "Figure":
    """A row for each aim: the picture, and after every octave what it has become, at one size."""
    rows = {name: np.stack([picture, *of_aim]) for name, of_aim in stages.items()}
    return image_rows(rows, title="a picture after each octave")


def dreams(picture: Picture, stages: Mapping[str, Sequence[Picture]]) -> "Figure":
    """The picture over what it is at the end, for each aim."""
    rows = {"picture": picture[None]} | {name: of_aim[-1][None] for name, of_aim in stages.items()}
    return image_rows(rows, title="a picture and its dreams", upscale=max(1, round(WIDTH / picture.shape[1])))
