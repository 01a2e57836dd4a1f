"""One style for all figures: colours, sizes, the empty canvas, and how a figure becomes a file.

Matplotlib is imported where it is used, through its object-oriented interface, so importing this file costs nothing and
drawing leaves no global state behind.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#555555",
)  # Okabe & Ito: colour-blind safe
PIXELS_PER_INCH = 100
LONGEST_LABEL = 38  # characters: two of them stand side by side in a legend


def canvas(title: str) -> "tuple[Figure, Axes]":
    """A figure with one panel, its title at the left, over a light grid."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), dpi=PIXELS_PER_INCH * 1.5, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11)
    light_grid(axes)
    return figure, axes


def light_grid(axes: "Axes", *, axis: str = "both") -> None:
    """A light grid behind what is drawn, and no frame above and at the right."""
    axes.grid(axis=axis, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def png(figure: "Figure") -> bytes:
    """The figure as a PNG file: the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: "Figure", path: Path) -> None:
    """Write the figure to ``path`` as a PNG file, making its folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(figure))


def literal(text: str) -> str:
    """The end of ``text``, drawn letter for letter: no mathematics, no label hidden by a leading underscore."""
    text = text if len(text) <= LONGEST_LABEL else f"…{text[1 - LONGEST_LABEL :]}"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
