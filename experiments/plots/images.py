"""Pictures made of images: grids, pairs, labelled rows, and mosaics of a latent plane."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.plots.canvas import PIXELS_PER_INCH, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOT_FINITE = (1.0, 0.0, 1.0)  # magenta, a colour that no grey image holds
LEAST_COLUMNS = 10  # of a row of named images, so that few of them are no larger than many
MOST_COLUMNS = 30  # of rows of images, so that all of many can be seen
LEFT_PIXELS, LETTER_PIXELS = 110, 7  # the width given to labels of rows, and what a letter of a longer one takes
TEXT_PIXELS = 26  # the height given to a title or to a row of axis labels


def image_grid(images: Any, *, columns: int, title: str | None = None, upscale: int | None = None) -> "Figure":
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


def named_images(images: Any, names: Sequence[str], *, title: str | None = None) -> "Figure":
    """Draw a row of ``images`` [N, H, W, C], each over its name. Values are as in ``image_grid``.

    Raises:
        ValueError: if there are not as many names as images, or no images.
    """
    pixels = _pixels(images, dimensions=4)
    if len(names) != len(pixels):
        raise ValueError(f"expected a name for each image, got {len(names)} for {len(pixels)}")
    row = _in_rows(pixels, max(len(pixels), LEAST_COLUMNS))
    figure, axes = _picture(_mosaic(row, gap=1), title=title, upscale=None, bottom=TEXT_PIXELS)
    width = pixels.shape[2]
    axes.set_xticks(np.arange(len(pixels)) * (width + 1) + (width - 1) / 2, [literal(name) for name in names])
    return figure


def image_pairs(
    top: Any,
    bottom: Any,
    *,
    columns: int | None = None,
    labels: tuple[str, str] = ("original", "reconstruction"),
    title: str | None = None,
    upscale: int | None = None,
) -> "Figure":
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
    figure, axes = _picture(_mosaic(tiles, gap=1), title=title, upscale=upscale, left=LEFT_PIXELS)
    centres = np.arange(len(tiles)) * (tiles.shape[2] + 1) + (tiles.shape[2] - 1) / 2
    axes.set_yticks(centres, [literal(label) for label in labels] * (len(tiles) // 2))
    return figure


def image_rows(
    rows: Mapping[str, Any],
    *,
    title: str | None = None,
    upscale: int | None = None,
    colours: Mapping[str, Sequence[float]] | None = None,
) -> "Figure":
    """Draw rows of images [N, H, W, C] under one another, each with its label. Values and ``upscale`` are as in
    ``image_grid``; a row may have fewer images than another, and one of more than ``MOST_COLUMNS`` goes on below.
    What ``colours`` of the images stand for is named below them.

    Raises:
        ValueError: if there are no rows, or they hold images of different sizes, or no images.
    """
    from matplotlib.patches import Patch

    pixels = [_pixels(images, dimensions=4) for images in rows.values()]
    if len({images.shape[1:] for images in pixels}) != 1:
        raise ValueError(f"rows need images of one size, got {[images.shape for images in pixels]}")
    columns = min(MOST_COLUMNS, max(len(images) for images in pixels))
    parts = [_in_rows(images, columns) for images in pixels]
    tiles, first = np.concatenate(parts), np.cumsum([0, *map(len, parts[:-1])])
    labels = [literal(label) for label in rows]
    left = max(LEFT_PIXELS, LETTER_PIXELS * (2 + max(map(len, labels))))
    bottom = TEXT_PIXELS if colours else 0
    figure, axes = _picture(_mosaic(tiles, gap=1), title=title, upscale=upscale, left=left, bottom=bottom)
    if colours:
        patches = [Patch(facecolor=colour, label=literal(name)) for name, colour in colours.items()]
        figure.legend(handles=patches, loc="lower right", ncols=len(patches), frameon=False, fontsize=9, borderpad=0)
    axes.set_yticks(first * (tiles.shape[2] + 1) + (tiles.shape[2] - 1) / 2, labels)
    return figure


def manifold(
    images: Any,
    title: str | None = None,
    *,
    quantiles: tuple[Sequence[float], Sequence[float]] | None = None,
    upscale: int | None = None,
) -> "Figure":
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
        sides = f"{len(quantiles[0])} × {len(quantiles[1])}"
        raise ValueError(f"expected a quantile for each row and column, got {sides} for {rows} × {columns}")
    figure, axes = _picture(_mosaic(pixels, gap=0), title=title, upscale=upscale, left=70, bottom=2 * TEXT_PIXELS)
    axes.set_yticks(*_tile_ticks(quantiles[0], height))
    axes.set_xticks(*_tile_ticks(quantiles[1], width))
    axes.set_ylabel("quantile of the first latent")
    axes.set_xlabel("quantile of the second latent")
    return figure


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
) -> "tuple[Figure, Axes]":
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
        axes.set_title(literal(title), fontsize=11, pad=6)
    return figure, axes


def _tile_ticks(quantiles: Sequence[float], size: int) -> tuple[np.ndarray, list[str]]:
    """At most ten ticks at the centres of tiles of ``size`` pixels, with their quantiles."""
    shown = np.arange(0, len(quantiles), -(-len(quantiles) // 10))
    return shown * size + (size - 1) / 2, [f"{quantiles[index]:.2f}" for index in shown]
