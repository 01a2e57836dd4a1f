"""Pictures of any size beside one another, each under its own title."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TITLE = 3.2, 0.3
"""Inches of a picture's width, and of its title's height."""


def titled_pictures(pictures: Mapping[str, Float[np.ndarray, "_ _ 3"]]) -> "Figure":
    """Pictures with values in [0, 1] in rows of three, or of two where there are four or fewer than three.

    Rows are as high as the first picture is. Values outside are clipped.
    """
    from matplotlib.figure import Figure

    columns = 3 if len(pictures) not in (1, 2, 4) else 2
    rows = -(-len(pictures) // columns)
    first = next(iter(pictures.values()))
    height = WIDTH * first.shape[0] / first.shape[1] + TITLE
    figure = Figure(figsize=(WIDTH * columns, height * rows), dpi=100, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(pictures) :]:
        axes.set_visible(False)
    for axes, (title, picture) in zip(grid, pictures.items(), strict=False):
        axes.imshow(np.clip(picture, 0, 1), interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure
