"""What symbols of a target look at in a source."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from jaxtyping import Float
from numpy import ndarray

from experiments.plots.texts import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AttentionMap(NamedTuple):
    """Weights of one pair."""

    title: str
    """what is drawn"""
    rows: Sequence[str]
    """the symbols that look"""
    columns: Sequence[str]
    """the symbols that are looked at"""
    weights: Float[ndarray, "rows columns"]


def attention_maps(maps: Sequence[AttentionMap], *, across: int = 2) -> "Figure":
    """Each map as a picture: a row for each symbol that looks, the darker a column the more it is looked at."""
    from matplotlib.figure import Figure

    down = -(-len(maps) // across)
    height = 0.9 + 0.2 * max(len(each.rows) for each in maps)
    width = 0.9 + 0.2 * max(len(each.columns) for each in maps)
    figure = Figure(figsize=(across * width, down * height), dpi=144, layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, each in zip(panels, maps, strict=False):
        axes.imshow(each.weights, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set_xticks(range(len(each.columns)), [_shown(symbol) for symbol in each.columns], family="monospace")
        axes.set_yticks(range(len(each.rows)), [_shown(symbol) for symbol in each.rows], family="monospace")
        axes.tick_params(length=0, labelsize=9)
        axes.set_title(each.title, loc="left", fontsize=10, parse_math=False)
    for axes in panels[len(maps) :]:
        axes.set_axis_off()
    return figure


def _shown(symbol: str) -> str:
    return {" ": "␣", "": "∅"}.get(symbol, shown(symbol))
