"""Pictures that were painted, beside what they were to be like."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, canvas, legend_below, log_ticks
from experiments.plots.pictures import titled_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = Float[np.ndarray, "_ _ 3"]


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
    return titled_pictures({"content": content, "style": style} | {each.words: each.picture for each in made})


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
    legend_below(figure)
    return figure
