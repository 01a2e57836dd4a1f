"""Maps of words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.datasets.planted_words import RELATIONS
from experiments.plots.canvas import PALETTE
from models.pca import fit_pca

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def relation_maps(vectors: Mapping[str, Float[Array, "words size"]], words: Sequence[str]) -> "Figure":
    """For each relation and each kind of vectors the plane of its words, an arrow from one form of a pair to the other.

    Upwards is the mean arrow, across the direction in which pairs differ most. Vectors have length 1.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(RELATIONS), 3.8 * len(vectors)), dpi=120, layout="constrained")
    panels = figure.subplots(len(vectors), len(RELATIONS), squeeze=False)
    for row, (kind, table) in zip(panels, vectors.items(), strict=True):
        unit = table / jnp.linalg.norm(table, axis=1, keepdims=True)
        for axes, relation in zip(row, RELATIONS, strict=True):
            pairs = list(relation.pairs)
            numbers = np.array([[words.index(word) for word in pair] for pair in pairs])
            _draw(axes, _on_plane(unit[numbers]), pairs)
            axes.set_title(f"{relation.name}, by {kind}", loc="left", fontsize=11)
    return figure


def _on_plane(pairs: Float[Array, "pairs 2 size"]) -> Float[np.ndarray, "pairs 2 2"]:
    """Across: how pairs differ; up: how forms do."""
    arrow = jnp.mean(pairs[:, 1] - pairs[:, 0], axis=0)
    up = arrow / jnp.linalg.norm(arrow)
    centres = pairs.mean(axis=1)
    across = fit_pca(centres - jnp.outer(centres @ up, up), components=1).components[0]
    return np.asarray(pairs @ jnp.stack([across, up], axis=1))


def _draw(axes: "Axes", points: Float[np.ndarray, "pairs 2 2"], pairs: Sequence[tuple[str, str]]) -> None:
    for number, (ends, names) in enumerate(zip(points, pairs, strict=True)):
        colour = PALETTE[number % len(PALETTE)]
        axes.annotate("", ends[1], ends[0], arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.2})
        for place, name, side in zip(ends, names, ("top", "bottom"), strict=True):
            axes.text(*place, name, color=colour, ha="center", va=side, fontsize=9)
    axes.set(xticks=[], yticks=[])
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    margin = 0.15 * (high - low)
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
