"""One style for all figures: colours, sizes, the empty canvas, and how a figure becomes a file.

Matplotlib is imported where it is used, through its object-oriented interface, so importing this file costs nothing and
drawing leaves no global state behind.
"""

import io
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
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
MOST_TICKS = 7
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


def legend_below(figure: "Figure", *, columns: int = 2) -> None:
    """The names of what is drawn, below the panel: beside points, the markers of a legend would look like points."""
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=9)


def log_ticks(axis: "Axis") -> None:
    """A few round numbers on a logarithmic axis, whatever its range; what is drawn and the limits are set before."""
    from matplotlib.ticker import NullLocator

    numbers = round_numbers(*sorted(axis.get_view_interval()))
    in_full = all(1e-4 <= number < 1e6 for number in numbers)
    axis.set_ticks(numbers, [f"{number:,.10g}" if in_full else _scientific(number) for number in numbers])
    axis.set_minor_locator(NullLocator())


def round_numbers(low: float, high: float) -> list[float]:
    """Seven at most between two positive numbers: at equal distances within a decade; 1, 2 and 5 of each of few
    decades; and powers of ten, as many decades apart as it takes.
    """
    from matplotlib.ticker import MaxNLocator

    if high < 10 * low:
        equally_apart = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high).tolist()
        return [number for number in equally_apart if low <= number <= high]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    choices = [[float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]]
    choices += [[float(f"1e{power}") for power in powers if power % apart == 0] for apart in range(1, len(powers) + 1)]
    within = ([number for number in choice if low <= number <= high] for choice in choices)
    return next(choice for choice in within if len(choice) <= MOST_TICKS)


def _scientific(number: float) -> str:
    digits, _, power = f"{number:.10e}".partition("e")
    factor = "" if float(digits) == 1 else rf"{float(digits):g} \times "
    return f"${factor}10^{{{int(power)}}}$"


def png(figure: "Figure") -> bytes:
    """The figure as a PNG file: the same bytes for the same figure.

    It is drawn once; ``savefig`` draws a figure that lays itself out twice, the first time for the layout alone. No
    figure is transparent: without that channel a file packed in half of the time is as small. Letters that no font
    has, as of a file's or a class's name, are empty boxes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    drawn, buffer = FigureCanvasAgg(figure), io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        drawn.draw()
    opaque = np.asarray(drawn.buffer_rgba())[..., :3]
    Image.fromarray(opaque).save(buffer, "png", dpi=(figure.dpi, figure.dpi), compress_level=3)
    return buffer.getvalue()


def save(figure: "Figure", path: Path) -> None:
    """Write the figure to ``path`` as a whole PNG file or not at all, making its folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(png(figure))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def literal(text: str) -> str:
    """The end of ``text``, drawn letter for letter: no mathematics, no label hidden by a leading underscore."""
    text = text if len(text) <= LONGEST_LABEL else f"…{text[1 - LONGEST_LABEL :]}"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
