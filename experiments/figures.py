"""Figures of the run folder and of the report: arrays in, a matplotlib Figure out.

Nothing here knows a model. Matplotlib is imported where it is used, through its object-oriented interface, so importing
this file costs nothing and drawing leaves no global state behind.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#555555",
)  # Okabe & Ito: colour-blind safe
NOT_FINITE = (1.0, 0.0, 1.0)  # magenta, a colour that no grey image holds
PIXELS_PER_INCH = 100
LONGEST_LABEL = 38  # characters: two of them stand side by side in a legend
TEXT_PIXELS = 26  # the height given to a title or to a row of axis labels


def image_grid(
    images: Any, *, columns: int, title: str | None = None, upscale: int | None = None
) -> "matplotlib.figure.Figure":
    """Draw ``images`` [N, H, W, C] in [0, 1] row by row: image ``i`` stands at row ``i // columns``.

    Every image pixel becomes a square of ``upscale`` × ``upscale`` pixels (nearest neighbour; without a value, what
    makes the figure about 720 pixels wide). Values outside [0, 1] are clipped; non-finite ones are painted magenta.

    Raises:
        ValueError: if the images are none, or not [N, H, W, 1 or 3], or ``columns`` is below one.
    """
    pixels = _pixels(images, dimensions=4)
    if columns < 1:
        raise ValueError(f"an image grid needs at least one column, got columns={columns}")
    columns = min(columns, len(pixels))
    return _picture(_mosaic(_in_rows(pixels, columns), gap=1), title=title, upscale=upscale)[0]


def image_pairs(
    top: Any,
    bottom: Any,
    *,
    columns: int | None = None,
    labels: tuple[str, str] = ("original", "reconstruction"),
    title: str | None = None,
    upscale: int | None = None,
) -> "matplotlib.figure.Figure":
    """Draw rows of ``top`` images [N, H, W, C] over rows of their ``bottom`` counterparts, each row with its label.

    With ``columns`` below N the pairs continue on further rows. Values and ``upscale`` are as in ``image_grid``.

    Raises:
        ValueError: if the two are of different shapes, or not images.
    """
    above, below = _pixels(top, dimensions=4), _pixels(bottom, dimensions=4)
    if above.shape != below.shape:
        raise ValueError(f"pairs need images of one shape, got {above.shape} over {below.shape}")
    columns = min(columns or len(above), len(above))
    rows = np.stack([_in_rows(above, columns), _in_rows(below, columns)], axis=1)
    tiles = rows.reshape(-1, *rows.shape[2:])
    figure, axes = _picture(_mosaic(tiles, gap=1), title=title, upscale=upscale, left=110)
    centres = np.arange(len(tiles)) * (tiles.shape[2] + 1) + (tiles.shape[2] - 1) / 2
    axes.set_yticks(centres, [_literal(label) for label in labels] * (len(tiles) // 2))
    return figure


def image_rows(
    rows: Mapping[str, Any], *, title: str | None = None, upscale: int | None = None
) -> "matplotlib.figure.Figure":
    """Draw rows of images [N, H, W, C] under one another, each with its label. Values and ``upscale`` are as in
    ``image_grid``; a row may have fewer images than another.

    Raises:
        ValueError: if there are no rows, or they hold images of different sizes, or no images.
    """
    pixels = [_pixels(images, dimensions=4) for images in rows.values()]
    if len({images.shape[1:] for images in pixels}) != 1:
        raise ValueError(f"rows need images of one size, got {[images.shape for images in pixels]}")
    columns = max(len(images) for images in pixels)
    tiles = np.concatenate([_in_rows(images, columns) for images in pixels])
    figure, axes = _picture(_mosaic(tiles, gap=1), title=title, upscale=upscale, left=110)
    centres = np.arange(len(tiles)) * (tiles.shape[2] + 1) + (tiles.shape[2] - 1) / 2
    axes.set_yticks(centres, [_literal(label) for label in rows])
    return figure


def manifold(
    images: Any,
    title: str | None = None,
    *,
    quantiles: tuple[Sequence[float], Sequence[float]] | None = None,
    upscale: int | None = None,
) -> "matplotlib.figure.Figure":
    """Draw decoded images [R, C, H, W, channels] as one mosaic without gaps.

    Row ``r`` is the first latent at ``quantiles[0][r]``, column ``c`` the second at ``quantiles[1][c]``; without a
    value the quantiles are the middles of equal parts, ``(i + ½) / R`` and ``(i + ½) / C``. Kingma & Welling 2014,
    figure 4.

    Raises:
        ValueError: if the images are not [R, C, H, W, 1 or 3], or the quantiles do not count R and C.
    """
    pixels = _pixels(images, dimensions=5)
    rows, columns, height, width = pixels.shape[:4]
    if quantiles is None:
        quantiles = tuple([(index + 0.5) / count for index in range(count)] for count in (rows, columns))
    if (len(quantiles[0]), len(quantiles[1])) != (rows, columns):
        raise ValueError(f"{rows} × {columns} images have {len(quantiles[0])} × {len(quantiles[1])} quantiles")
    figure, axes = _picture(_mosaic(pixels, gap=0), title=title, upscale=upscale, left=70, bottom=2 * TEXT_PIXELS)
    axes.set_yticks(*_tile_ticks(quantiles[0], height))
    axes.set_xticks(*_tile_ticks(quantiles[1], width))
    axes.set_ylabel("quantile of the first latent")
    axes.set_xlabel("quantile of the second latent")
    return figure


def learning_curves(
    runs: Mapping[str, Iterable[Mapping[str, Any]]], metric: str, *, unit: str = ""
) -> "matplotlib.figure.Figure":
    """Draw ``metric`` over the steps from the lines of each run's ``metrics.jsonl``.

    A line is the mean over the seeds, and its band one sample standard deviation to either side. The held-out split
    (``valid``, or ``test`` without one) is strong; ``train`` is thin beside it, or strong alone. A step at which any
    seed is not finite (null) is a gap. A step written twice counts as last written. One label per run; a single run
    shows its splits instead.

    Raises:
        ValueError: if no run has the metric, or its number of seeds changes within a split.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.2 + 0.2 * -(-len(runs) // 2)), dpi=1.5 * PIXELS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    for index, (label, rows) in enumerate(runs.items()):
        splits = _splits(rows, metric)
        for split, (steps, values) in splits.items():
            strong = split != "train" or len(splits) == 1
            entry = split if len(runs) == 1 else _literal(label) if strong else None
            _draw_curve(axes, steps, values, index=index, strong=strong, label=entry)
    if not axes.lines:
        raise ValueError(f"no run has {metric!r}")
    axes.set_xlabel("step")
    axes.set_ylabel(_literal(f"{metric} ({unit})" if unit else metric))
    _style(figure, axes)
    return figure


def canvas(title: str) -> "tuple[matplotlib.figure.Figure, matplotlib.axes.Axes]":
    """A figure with one panel, its title at the left, over a light grid."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), dpi=PIXELS_PER_INCH * 1.5, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11)
    light_grid(axes)
    return figure, axes


def light_grid(axes: "matplotlib.axes.Axes", *, axis: str = "both") -> None:
    """A light grid behind what is drawn, and no frame above and at the right."""
    axes.grid(axis=axis, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def png(figure: "matplotlib.figure.Figure") -> bytes:
    """The figure as a PNG file: the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: "matplotlib.figure.Figure", path: Path) -> None:
    """Write the figure to ``path`` as a PNG file, making its folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(figure))


def _pixels(images: Any, *, dimensions: int) -> np.ndarray:
    """Images as RGB in [0, 1], non-finite pixels in magenta."""
    pixels = np.asarray(images, dtype=np.float64)
    if pixels.ndim != dimensions or pixels.shape[-1] not in (1, 3) or pixels.size == 0:
        raise ValueError(f"expected images of {dimensions} axes with 1 or 3 channels at the end, got {pixels.shape}")
    colour = np.broadcast_to(pixels, (*pixels.shape[:-1], 3))
    return np.where(np.isfinite(pixels).all(axis=-1, keepdims=True), np.clip(colour, 0.0, 1.0), NOT_FINITE)


def _in_rows(pixels: np.ndarray, columns: int) -> np.ndarray:
    """[N, H, W, 3] as [ceil(N / columns), columns, H, W, 3], the last row filled up with white."""
    missing = -len(pixels) % columns
    filled = np.concatenate([pixels, np.ones((missing, *pixels.shape[1:]))])
    return filled.reshape(-1, columns, *pixels.shape[1:])


def _mosaic(tiles: np.ndarray, *, gap: int) -> np.ndarray:
    """Tiles [R, C, H, W, 3] as one picture, with ``gap`` white pixels between neighbours."""
    rows, columns, height, width = tiles.shape[:4]
    padded = np.pad(tiles, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=1.0)
    picture = padded.transpose(0, 2, 1, 3, 4).reshape(rows * (height + gap), columns * (width + gap), 3)
    return picture[: picture.shape[0] - gap, : picture.shape[1] - gap]


def _picture(
    picture: np.ndarray, *, title: str | None, upscale: int | None, left: int = 0, bottom: int = 0
) -> "tuple[matplotlib.figure.Figure, matplotlib.axes.Axes]":
    """A figure with the picture at a whole number of pixels per pixel, and margins in pixels for text."""
    from matplotlib.figure import Figure

    scale = upscale or max(1, round(720 / picture.shape[1]))
    height, width = picture.shape[0] * scale, picture.shape[1] * scale
    top = TEXT_PIXELS if title else 0
    full_width, full_height = left + width, top + height + bottom
    figure = Figure(figsize=(full_width / PIXELS_PER_INCH, full_height / PIXELS_PER_INCH), dpi=PIXELS_PER_INCH)
    axes = figure.add_axes((left / full_width, bottom / full_height, width / full_width, height / full_height))
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(_literal(title), fontsize=11, pad=6)
    return figure, axes


def _tile_ticks(quantiles: Sequence[float], size: int) -> tuple[np.ndarray, list[str]]:
    """At most ten ticks at the centres of tiles of ``size`` pixels, with their quantiles."""
    shown = np.arange(0, len(quantiles), -(-len(quantiles) // 10))
    return shown * size + (size - 1) / 2, [f"{quantiles[index]:.2f}" for index in shown]


def _splits(rows: Iterable[Mapping[str, Any]], metric: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For train and the held-out split (valid, else test), where present: steps [S] and values [S, K], null as NaN."""
    found: dict[str, dict[int, np.ndarray]] = {"train": {}, "valid": {}, "test": {}}
    for row in rows:
        if row["split"] in found and metric in row:
            found[row["split"]][row["step"]] = np.atleast_1d(np.array(row[metric], dtype=np.float64))
    if ragged := [split for split, values in found.items() if len({value.shape for value in values.values()}) > 1]:
        raise ValueError(f"{metric!r} has not the same number of seeds on every {ragged[0]} line")
    ordered = {split: dict(sorted(by_step.items())) for split, by_step in found.items() if by_step}
    if "valid" in ordered:
        ordered.pop("test", None)
    return {split: (np.array(list(values)), np.stack(list(values.values()))) for split, values in ordered.items()}


def _draw_curve(
    axes: "matplotlib.axes.Axes", steps: np.ndarray, values: np.ndarray, *, index: int, strong: bool, label: str | None
) -> None:
    """The mean over seeds with a band of one sample standard deviation."""
    colour, line = PALETTE[index % len(PALETTE)], ("-", "--", ":")[index // len(PALETTE) % 3]
    mean = values.mean(axis=1)
    if values.shape[1] > 1:
        deviation = values.std(axis=1, ddof=1)
        band = 0.22 if strong else 0.10
        axes.fill_between(steps, mean - deviation, mean + deviation, color=colour, alpha=band, linewidth=0)
    marker = "o" if len(steps) == 1 else None
    weight, alpha = (2.0, 1.0) if strong else (1.0, 0.5)
    axes.plot(steps, mean, color=colour, linestyle=line, linewidth=weight, alpha=alpha, label=label, marker=marker)


def _style(figure: "matplotlib.figure.Figure", axes: "matplotlib.axes.Axes") -> None:
    """A light grid, two spines, thousands with commas, the legend above the curves."""
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.01)
    light_grid(axes)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(color="#888888", labelcolor="#333333")
    figure.legend(loc="outside upper left", ncols=2, frameon=False)


def _literal(text: str) -> str:
    """The end of ``text``, drawn letter for letter: no mathematics, no label hidden by a leading underscore."""
    text = text if len(text) <= LONGEST_LABEL else f"…{text[1 - LONGEST_LABEL :]}"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
