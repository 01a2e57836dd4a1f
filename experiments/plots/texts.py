"""Texts as pictures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jaxtyping import Float
from numpy import ndarray

from experiments.numerals import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 80
MOST = 5.0
"""Nats at which a character's ground has its full colour."""


def surprise(texts: Mapping[str, tuple[str, Float[ndarray, " characters"]]]) -> "Figure":
    """Each text letter by letter, on a ground that is the darker the more nats the letter cost."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    rows = [-(-len(text) // COLUMNS) for text, _ in texts.values()]
    figure = Figure(figsize=(9.0, 0.6 * len(texts) + 0.2 * sum(rows)), dpi=144, layout="constrained")
    panels = figure.subplots(len(texts), 1, squeeze=False, gridspec_kw={"height_ratios": rows})[:, 0]
    for axes, (title, (text, nats)), height in zip(panels, texts.items(), rows, strict=True):
        axes.set(xlim=(0, COLUMNS), ylim=(height, 0), xticks=[], yticks=[])
        axes.set_title(
            f"{title}: {quantity(float(nats.mean()), unit='nats')} a character (darker: more)", loc="left", fontsize=10
        )
        axes.spines[:].set_visible(False)
        for place, (letter, cost) in enumerate(zip(text, nats, strict=True)):
            row, column = divmod(place, COLUMNS)
            colour = colormaps["Oranges"](min(cost / MOST, 1.0) * 0.8)
            axes.add_patch(Rectangle((column, row), 1, 1, color=colour, linewidth=0))
            axes.text(
                column + 0.5, row + 0.5, shown(letter), ha="center", va="center", fontsize=6.5, family="monospace"
            )
    return figure


def shown(letter: str) -> str:
    """A letter as a figure can show it: a line's end as an arrow, and a dollar that opens no formula."""
    return {"\n": "↵", "$": r"\$"}.get(letter, letter)
