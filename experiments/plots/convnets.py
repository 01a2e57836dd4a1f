"""Pictures of a convolutional net: its volumes, its first filters, what it makes of an image, how far its units see."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.plots.canvas import PALETTE, PIXELS_PER_INCH, canvas
from experiments.plots.filters import filter_grid
from experiments.plots.images import image_rows
from train.task import Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.convnets.volumes import Volume

TILE = 48
"""Pixels of a side that feature maps are drawn with, whatever their size."""
CHANNELS = 12
"""Channels of a layer that are drawn, at most."""
NAMED = 50
"""Layers whose names fit beside each other; of more, every second, or third, is named."""


def volume_table(volumes: "Sequence[Volume]") -> "Figure":
    """The table that the lectures write beside a net: each layer, its volume, its units, and what it learns."""
    from matplotlib.figure import Figure

    rows = [(v.layer, " × ".join(map(str, v.shape)), f"{v.units:,}", f"{v.parameters:,}") for v in volumes]
    rows.append(("", "", f"{sum(v.units for v in volumes[1:]):,}", f"{sum(v.parameters for v in volumes):,}"))
    places, line = (0.02, 0.52, 0.78, 0.98), 0.22
    height = line * (len(rows) + 2)
    figure = Figure(figsize=(7.6, height), dpi=1.5 * PIXELS_PER_INCH)
    head = ("layer", "volume", "units", "parameters")
    for number, row in enumerate((head, *rows)):
        y, weight = 1 - (number + 0.9) * line / height, "bold" if number == 0 or number == len(rows) else "normal"
        for place, text, side in zip(places, row, ("left", *["right"] * 3), strict=True):
            figure.text(place, y, text, ha=side, va="center", fontsize=9, weight=weight)
    return figure


def kernel_grid(kernel: Float[Array, "rows columns channels features"]) -> "Figure":
    """The first layer's filters, those of largest norm first."""
    rows, columns, channels, features = kernel.shape
    return filter_grid(
        np.reshape(kernel, (-1, features)), (rows, columns, channels), title="filters of the first layer"
    )


def feature_map_rows(
    image: Float[Array, "height width channels"], maps: Mapping[str, Float[Array, "rows columns features"]]
) -> "Figure":
    """An image and, a row for each layer, the channels that it excites most: black is the layer's least, white its
    largest value.
    """
    drawn = {f"image\n{_by(image.shape)}": _enlarged(np.asarray(image))[None]}
    for name, features in maps.items():
        values = np.asarray(features)
        strongest = np.argsort(-np.abs(values).max(axis=(0, 1)), kind="stable")[:CHANNELS]
        least, spread = values.min(), np.ptp(values)
        shades = (values[..., np.sort(strongest)] - least) / (spread or 1)
        drawn[f"{name}\n{_by(values.shape)}"] = _enlarged(shades).transpose(2, 0, 1)[..., None]
    if drawn[next(iter(drawn))].shape[-1] == 3:
        drawn = {name: np.broadcast_to(tiles, (*tiles.shape[:-1], 3)) for name, tiles in drawn.items()}
    return image_rows(drawn, title="what the layers make of an image")


def influence_maps(
    maps: Mapping[str, Float[Array, "height width"]], fields: Mapping[str, int], *, columns: int = 6
) -> "Figure":
    """How much each pixel changes the middle unit of a layer, and the side of the square that it sees: by formula where
    there is one, and as far as the gradient is not 0.
    """
    from matplotlib.figure import Figure

    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(
        figsize=(max(1.5 * columns, 4.5), 0.3 + 1.95 * rows), dpi=1.5 * PIXELS_PER_INCH, layout="constrained"
    )
    figure.suptitle("receptive field of the middle unit, and its side in pixels", fontsize=10)
    for number, (name, values) in enumerate(maps.items(), 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.imshow(np.asarray(values), cmap="magma", vmin=0)
        formula = f"formula {fields[name]}\n" if name in fields else ""
        axes.set_title(f"{name}\n{formula}gradient {seen_side(values)}", fontsize=8)
        axes.set(xticks=[], yticks=[])
    return figure


def seen_side(values: Float[Array, "height width"]) -> int:
    """The longer side of the rectangle outside of which all is 0."""
    seen = np.asarray(values) != 0
    return max((np.ptp(np.flatnonzero(seen.any(axis=axis))) + 1 if seen.any() else 0) for axis in (0, 1))


def running_statistics(statistics: Params) -> "Figure":
    """Running means of every channel, with one running deviation to either side; below them their layer's name."""
    figure, axes = canvas("running statistics: mean ± deviation of every channel")
    first, middles = 0, {}
    for number, (layer, moments) in enumerate(_layers(statistics, ())):
        mean, deviation = np.asarray(moments["mean"]), np.sqrt(np.asarray(moments["variance"]))
        places, colour = first + np.arange(len(mean)), PALETTE[number % len(PALETTE)]
        axes.errorbar(places, mean, deviation, fmt="o", markersize=3, linewidth=1, color=colour)
        middles[layer] = places.mean()
        first += len(mean) + 1
    axes.set(xlabel="channels of each layer", ylabel="before normalisation")
    every = -(-len(middles) // NAMED)
    axes.set_xticks([*middles.values()][::every], [*middles][::every], rotation=90, fontsize=7)
    return figure


def _layers(tree: Params, path: tuple[str, ...]) -> Iterator[tuple[str, Params]]:
    if "variance" in tree:
        yield "/".join(path), tree
    else:
        for name, inner in sorted(tree.items(), key=_in_order):
            yield from _layers(inner, (*path, name))


def _in_order(item: tuple[str, Params]) -> list[str | int]:
    """Names as they are counted: layer 2 before layer 11."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", item[0])]


def _enlarged(values: Float[np.ndarray, "rows columns channels"]) -> Float[np.ndarray, "tile tile channels"]:
    """Every pixel a rectangle, so that the whole is a tile."""
    rows, columns = (np.arange(TILE) * size // TILE for size in values.shape[:2])
    return values[rows][:, columns]


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
