"""Pictures of a latent space: what is decoded where, and the geometry that the decoder gives to a plane of codes."""

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from experiments.evaluations.codec import Coder, Codes
from experiments.evaluations.latent_geometry import (
    RADII,
    analogous,
    boundary_codes,
    decode_one,
    parallelograms,
    samples_at,
    stitched_images,
    ways,
    with_next_label,
)
from experiments.datasets.generated import SHAPE_FACTORS
from experiments.plots.canvas import PALETTE
from experiments.plots.images import image_rows
from models.chart import curve_length, magnification
from models.disentanglement import mutual_information
from models.latent import linear_interpolation, spherical_interpolation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Examples = dict[str, Array]
COLUMNS = 12
SIDE = 60  # points of the plane at which the metric is shown, each way


def latent_space_figures(
    first: Coder, second: Coder, plane: Coder, train: Examples, test: Examples, support: int, key: Key[Array, ""]
) -> dict[str, "Figure"]:
    """All of them; what needs labels or factors is drawn where there are some."""
    images, codes = test["image"], first.encode(test["image"])
    far, near = jax.random.split(key)
    shown = {f"{radius:g} √k": samples_at(first, codes[:COLUMNS], far, radius) for radius in (*RADII.values(), 6.0)}
    each = stitched_images(first, second, train["image"][:support], images[:COLUMNS], near)
    drawn = {
        "samples": image_rows(shown, title="at distances from the prior's mode"),
        "interpolation": interpolation(first, codes),
        "stitching": stitching(images[:COLUMNS], each, support),
        "chart": chart(plane, test),
        "chart_ways": chart_ways(plane, images),
    }
    if "label" in test:
        drawn |= {"analogies": analogies(first, test, train), "boundaries": boundaries(first, codes, train)}
    if "factors" in test:
        drawn |= {"factors": factors(codes, test["factors"]), "traversals": traversals(first, codes)}
        drawn["analogies"] = parallelogram_analogies(first, images)
    return drawn


def interpolation(coder: Coder, codes: Codes) -> "Figure":
    """Straight and spherical ways between the first codes that are far apart."""
    fractions = jnp.linspace(0.0, 1.0, COLUMNS)
    rows = {}
    for number, (one, other) in enumerate(far_apart(codes)[:3]):
        for name, between in (("linear", linear_interpolation), ("spherical", spherical_interpolation)):
            way = jax.vmap(between, (None, None, 0))(codes[one], codes[other], fractions)
            rows[f"{name} {number + 1}"] = coder.decode(way)
    return image_rows(rows, title="between codes of test images")


def far_apart(codes: Codes) -> list[tuple[int, int]]:
    """Pairs among forty codes: each in turn with the most distant that is left, none twice."""
    each, left, pairs = np.asarray(codes), list(range(0, len(codes), -(-len(codes) // 40))), []
    while len(left) > 1:
        one = left.pop(0)
        pairs.append((one, left.pop(int(np.linalg.norm(each[left] - each[one], axis=1).argmax()))))
    return pairs


def stitching(images: Array, each: dict[str, Array], support: int) -> "Figure":
    """Reconstructions by two models, and by the encoder of one and the decoder of the other."""
    names = {
        "first": "first model",
        "second": "second model",
        "least_squares": "linear map",
        "procrustes": "rotation",
        "random": "random map",
    }
    rows = {"original": images} | {label: each[name] for name, label in names.items()}
    return image_rows(rows, title=f"a linear map fitted on {support} images")


def analogies(coder: Coder, test: Examples, train: Examples) -> "Figure":
    """Images, and what they become when their code is given the mean of the next label instead of their own."""
    images, labels = test["image"][:COLUMNS], test["label"][:COLUMNS]
    codes = coder.encode(images)
    moved, _ = with_next_label(coder, codes, labels, train)
    rows = {"original": images, "reconstruction": coder.decode(codes), "next label": coder.decode(moved)}
    return image_rows(rows, title="code − mean of label + mean of next")


def parallelogram_analogies(coder: Coder, images: Array) -> "Figure":
    """Arithmetic on the codes of discs: first − second + third, and the image that it is of."""
    made, _, fourth = analogous(coder, images)
    first, second, third = (images[corner][:COLUMNS] for corner in parallelograms()[:3])
    rows = {"a": first, "− b": second, "+ c": third, "decoded": made[:COLUMNS], "truth": fourth[:COLUMNS]}
    return image_rows(rows, title="arithmetic on codes")


def boundaries(coder: Coder, codes: Codes, train: Examples) -> "Figure":
    """Where a nearest-neighbour classifier changes its mind on the way from one code to another."""
    pairs = np.array(far_apart(codes))[:COLUMNS]
    starts, ends = codes[pairs[:, 0]], codes[pairs[:, 1]]
    rows = {"start": starts, "boundary": boundary_codes(coder, starts, ends, train), "end": ends}
    return image_rows({name: coder.decode(row) for name, row in rows.items()}, title="where the label changes")


def chart(plane: Coder, test: Examples) -> "Figure":
    """The plane of codes: how much the decoder magnifies it, where the images lie, and shortest ways between some."""
    from matplotlib.figure import Figure

    codes = plane.encode(test["image"])
    low, high = codes.min(axis=0), codes.max(axis=0)
    low, high = (np.asarray(edge) for edge in (low - 0.08 * (high - low), high + 0.08 * (high - low)))
    across, up = (jnp.linspace(low[axis], high[axis], SIDE) for axis in (0, 1))
    grid = jnp.stack(jnp.meshgrid(across, up), axis=-1).reshape(-1, 2)
    volumes = jax.lax.map(partial(magnification, decode_one(plane)), grid, batch_size=SIDE)
    figure = Figure(figsize=(7.4, 6.0), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    levels = np.log10(np.maximum(np.asarray(volumes), 1e-6)).reshape(SIDE, SIDE)
    shade = axes.pcolormesh(across, up, levels, cmap="Greys", shading="gouraud", rasterized=True)
    figure.colorbar(shade, ax=axes, label="log₁₀ magnification √det JᵀJ", fraction=0.05)
    scatter_codes(axes, np.asarray(codes), test)
    lines, geodesics = chart_lines(plane, codes)
    for index, (line, way) in enumerate(zip(lines, geodesics, strict=True)):
        named = {"straight": "straight line", "geodesic": "geodesic"} if index == 0 else {}
        axes.plot(*line.T, "--", color=PALETTE[1], linewidth=1.4, label=named.get("straight"))
        axes.plot(*way.T, "-", color=PALETTE[1], linewidth=2.2, label=named.get("geodesic"))
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="first latent", ylabel="second latent")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.09), ncols=2, frameon=False)
    return figure


def scatter_codes(axes: "Axes", codes: np.ndarray, test: Examples) -> None:
    """Points at the codes; each label is written at its median, where there are labels."""
    axes.scatter(*codes.T, s=7, color=PALETTE[0], alpha=0.55, linewidths=0)
    if "label" not in test:
        return
    labels = np.asarray(test["label"])
    for label in np.unique(labels):
        middle = np.median(codes[labels == label], axis=0)
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": PALETTE[0], "linewidth": 0.8}
        axes.text(*middle, str(label), fontsize=10, ha="center", va="center", bbox=box)


def chart_lines(plane: Coder, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Four straight lines between codes that are far apart, and the geodesics between the same ends."""
    pairs = np.array(far_apart(codes))[:4]
    lines, geodesics = ways(plane, codes[pairs[:, 0]], codes[pairs[:, 1]])
    return np.asarray(lines), np.asarray(geodesics)


def chart_ways(plane: Coder, images: Array) -> "Figure":
    """What is decoded along the straight lines and along the geodesics, with their lengths."""
    rows = {}
    for number, pair in enumerate(zip(*chart_lines(plane, plane.encode(images)), strict=True)):
        for name, points in zip(("straight", "geodesic"), pair, strict=True):
            length = float(curve_length(decode_one(plane), jnp.asarray(points)))
            rows[f"{name} {number + 1}: {length:.1f}"] = plane.decode(jnp.asarray(points))
    return image_rows(rows, title="straight lines, geodesics, and lengths")


def factors(codes: Codes, known: Array) -> "Figure":
    """What each dimension of the code tells of each factor."""
    from matplotlib.figure import Figure

    told = np.asarray(mutual_information(codes, known, values=max(SHAPE_FACTORS.values())))
    told = told / np.log(list(SHAPE_FACTORS.values()))
    figure = Figure(figsize=(5.2, 1.0 + 0.5 * len(told)), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    shade = axes.imshow(told, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(told):
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black")
    axes.set_xticks(range(len(SHAPE_FACTORS)), list(SHAPE_FACTORS))
    axes.set_yticks(range(len(told)), [f"latent {number}" for number in range(len(told))])
    figure.colorbar(shade, ax=axes, label="I(latent; factor) / H(factor)")
    return figure


def traversals(coder: Coder, codes: Codes) -> "Figure":
    """Each dimension of the code moved from one end of its range to the other, all others at their mean."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    rows = {}
    for dimension in range(codes.shape[1]):
        values = jnp.linspace(low[dimension], high[dimension], COLUMNS)
        moved = jnp.tile(codes.mean(axis=0), (COLUMNS, 1)).at[:, dimension].set(values)
        rows[f"latent {dimension}"] = coder.decode(moved)
    return image_rows(rows, title="one latent at a time")
