"""Pictures that were painted, beside what they were to be like."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, canvas, log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = Float[np.ndarray, "_ _ 3"]
WIDTH, TITLE = 3.2, 0.3
"""Inches of a picture's width, and of its title's height."""


class Made(NamedTuple):
    """A picture that was painted, and how far it is from content and style."""

    start: str
    """what it began as: noise or content"""
    style_weight: float
    picture: Picture
    content: float
    style: float

    @property
    def words(self) -> str:
        """How it was made."""
        return f"from {'the content' if self.start == 'content' else 'noise'}, β = {self.style_weight:,.10g}"


def painted_pictures(content: Picture, style: Picture, made: Sequence[Made]) -> "Figure":
    """The content and the style, and then the painted pictures in their order."""
    from matplotlib.figure import Figure

    cells = [("content", content), ("style", style), *((each.words, each.picture) for each in made)]
    columns = 2 if len(cells) == 4 else 3
    rows = -(-len(cells) // columns)
    height = WIDTH * content.shape[0] / content.shape[1] + TITLE
    figure = Figure(figsize=(WIDTH * columns, height * rows), dpi=100, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(cells) :]:
        axes.set_visible(False)
    for axes, (title, picture) in zip(grid, cells, strict=False):
        axes.imshow(np.clip(picture, 0, 1), interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure


def trade_off(made: Sequence[Made]) -> "Figure":
    """Each picture by its error from the content and from the style."""
    figure, axes = canvas("how far pictures are from content and style")
    for each, colour in zip(made, PALETTE, strict=False):
        marker = "s" if each.start == "content" else "o"
        axes.plot(each.content, each.style, marker, color=colour, markersize=9, label=each.words)
    axes.set(xlabel="error of the content", ylabel="error of the style", xscale="log", yscale="log")
    axes.margins(0.15)
    for axis in (axes.xaxis, axes.yaxis):
        log_ticks(axis)
    axes.legend(frameon=False, fontsize=9)
    return figure
