"""Learning curves as small SVG, drawn without Matplotlib: a page may hold hundreds.

What a line, a band, a gap and a strong split mean is as in ``experiments.plots.curves``. Colours and weights are
classes of the page's style sheet.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from experiments.plots.canvas import PALETTE
from experiments.plots.curves import splits

POINTS = 60  # of a curve, at the most; steps with a lost seed besides
WIDTH, HEIGHT = 360, 200  # so that text of 12 units is legible on a screen of 360 pixels
LEFT, RIGHT, TOP, BOTTOM = 54, 8, 24, 26  # of the plot: room for the axes' text
DASHES = 3
LOOKS = DASHES * len(PALETTE)  # of lines that can be told apart


class Curve(NamedTuple):
    """A metric over the steps in one split: mean over the seeds, NaN for a gap; the deviation is None for one seed."""

    split: str
    steps: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray | None


def curves_of(rows: Iterable[Mapping[str, Any]], metric: str) -> list[Curve]:
    """The curves of one run, thinned to what can be seen.

    Raises:
        ValueError: if the metric's number of seeds changes within a split.
    """
    found = []
    for split, (steps, values) in splits(rows, metric).items():
        mean = values.mean(axis=1)
        kept = _thinned(mean)
        deviation = values[kept].std(axis=1, ddof=1) if values.shape[1] > 1 else None
        found.append(Curve(split, steps[kept], mean[kept], deviation))
    return found


def curves_svg(runs: Mapping[str, Sequence[Curve]], metric: str, unit: str) -> str:
    """One panel with the curves of each run, named by a title that shows where one points at a line.

    Of more runs than there are colours only the strong lines are drawn.
    """
    name = escape(f"{metric} ({unit})" if unit else metric)
    if len(runs) > len(PALETTE):
        runs = {
            run: [curve._replace(deviation=None) for curve in each if _is_strong(curve, each)]
            for run, each in runs.items()
        }
    curves = list(itertools.chain.from_iterable(runs.values()))
    panel = _Panel(*_range([curve.steps for curve in curves]), *_range(_heights(curves)))
    drawn = [
        _drawn(panel, curve, run if len(runs) > 1 else curve.split, look(index, strong=_is_strong(curve, each)))
        for index, (run, each) in enumerate(runs.items())
        for curve in each
    ]
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{name} over the steps">'
        f'<text x="2" y="14">{name}</text>'
        f"{_axes(panel)}{''.join(drawn)}</svg>"
    )


def look(index: int, *, strong: bool) -> str:
    """The classes of the style sheet that give the run of this number its colour and dashes."""
    return f"c{index % len(PALETTE)} d{index // len(PALETTE) % DASHES}" + (" strong" if strong else "")


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``, three to six where there is room."""
    if not low < high:
        return [low]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


class _Panel(NamedTuple):
    """The ranges of both axes, and where on the paper a point lies."""

    left: float
    right: float
    low: float
    high: float

    def x(self, steps: np.ndarray | float) -> np.ndarray:
        share = (steps - self.left) / ((self.right - self.left) or 1)
        return np.rint(LEFT + share * (WIDTH - LEFT - RIGHT))

    def y(self, values: np.ndarray | float) -> np.ndarray:
        share = (values - self.low) / ((self.high - self.low) or 1)
        return np.rint(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM))


def _thinned(mean: np.ndarray) -> np.ndarray:
    """Which points are kept: evenly many, both ends and every gap."""
    even = np.linspace(0, len(mean) - 1, min(len(mean), POINTS)).round().astype(int)
    return np.union1d(even, np.flatnonzero(np.isnan(mean))[:POINTS])


def _is_strong(curve: Curve, of_run: Sequence[Curve]) -> bool:
    """Whether the curve is of the held-out split, or of training and the run has nothing else."""
    return curve.split != "train" or len(of_run) == 1


def _heights(curves: Iterable[Curve]) -> list[np.ndarray]:
    """The values that the panel must hold."""
    return [each for curve in curves for each in (_edge(curve, -1), _edge(curve, 1))]


def _edge(curve: Curve, sign: int) -> np.ndarray:
    """The lower or the upper edge of the band; the line itself for one seed."""
    return curve.mean if curve.deviation is None else curve.mean + sign * curve.deviation


def _range(values: Sequence[np.ndarray]) -> tuple[float, float]:
    finite = np.concatenate([each[np.isfinite(each)] for each in values] or [np.zeros(0)])
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _drawn(panel: _Panel, curve: Curve, title: str, look: str) -> str:
    """The band and the line of a curve."""
    xs, middle, above, below = (
        panel.x(curve.steps),
        *(panel.y(values) for values in (curve.mean, _edge(curve, 1), _edge(curve, -1))),
    )
    pieces = np.ma.clump_unmasked(np.ma.masked_invalid(curve.mean))
    line = "".join(_path(xs[piece], middle[piece]) for piece in pieces)
    band = ""
    if curve.deviation is not None:
        around = [(np.r_[xs[piece], xs[piece][::-1]], np.r_[above[piece], below[piece][::-1]]) for piece in pieces]
        band = f'<path class="band {look}" d="{"".join(_path(*edge) + "z" for edge in around)}"/>'
    return f'{band}<path class="line {look}" d="{line}"><title>{escape(title)}</title></path>'


def _path(xs: np.ndarray, ys: np.ndarray) -> str:
    """A path through the points: the first in full, the others by their distance; a single point is a dot."""
    points = list(zip(xs.astype(int).tolist(), ys.astype(int).tolist(), strict=True))
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points)] or [(0, 0)]
    return f"M{points[0][0]},{points[0][1]}l" + " ".join(f"{x},{y}" for x, y in moves)


def _axes(panel: _Panel) -> str:
    """A light grid with its numbers; steps below, values at the left."""
    heights = [(value, int(panel.y(value))) for value in ticks(panel.low, panel.high)]
    grid = "".join(f"M{LEFT},{y}H{WIDTH - RIGHT}" for _, y in heights)
    values = "".join(f'<text class="end" x="{LEFT - 5}" y="{y + 4}">{value:.6g}</text>' for value, y in heights)
    steps = [step for step in ticks(panel.left, panel.right) if step == round(step)][::2]
    below = "".join(
        f'<text class="end" x="{int(panel.x(step)) + 8}" y="{HEIGHT - 6}">{step:,.0f}</text>' for step in steps
    )
    return f'<path class="grid" d="{grid}"/>{values}{below}'
