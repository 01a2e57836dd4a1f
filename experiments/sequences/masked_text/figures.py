"""Texts with what was filled in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxtyping import Bool, Float
from numpy import ndarray

from experiments.plots.texts import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RIGHT, WRONG = "#1b7837", "#b2182b"


def filled_in(
    texts: Sequence[Sequence[str]],
    said: Sequence[Sequence[str]],
    asked: Bool[ndarray, "windows places"],
    certainty: Float[ndarray, "windows places"],
) -> "Figure":
    """Each window letter by letter; under a hidden letter what was said in its place, on a ground of its certainty."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    windows, places = asked.shape
    figure = Figure(figsize=(max(0.14 * places, 5.0), 0.5 * windows + 0.5), dpi=144, layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, places), ylim=(2.4 * windows, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title("hidden letters, and below what is said (green: right)", loc="left", fontsize=10)
    style = {"ha": "center", "va": "center", "fontsize": 7, "family": "monospace"}
    for window in range(windows):
        for place in range(places):
            top, letter = 2.4 * window, texts[window][place]
            axes.text(place + 0.5, top + 0.5, shown(letter), **style)
            if asked[window, place]:
                answer = said[window][place]
                colour = RIGHT if answer == letter else WRONG
                strength = 0.15 + 0.45 * float(certainty[window, place])
                axes.add_patch(Rectangle((place, top + 1), 1, 1, color=colour, alpha=strength, linewidth=0))
                axes.text(place + 0.5, top + 1.5, shown(answer), **style)
    return figure
