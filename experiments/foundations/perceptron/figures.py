"""Pictures of threshold units: how they divide the plane, and how often they were corrected."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.datasets.generated import BITS, TRUTH_TABLES
from experiments.numerals import counted
from experiments.plots.canvas import PALETTE, light_grid
from models.perceptron import threshold_unit, xor_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT, WRONG, FAINT = PALETTE[0], PALETTE[1], "#b8b8b8"
NOVIKOFF = 51
"""The bound R²/γ² of AND and NAND, the greatest of the 14: R² = 3, γ² = 1/17 (Novikoff 1962)."""
LOW, HIGH, SIDE = -0.5, 1.5, 200
"""The part of the plane that is drawn, and its pixels."""

Counts = Float[np.ndarray, "steps functions"]


class Plane(NamedTuple):
    """Where a unit or a network fires."""

    fires: Float[Array, "side side"]
    """its output over the part of the plane that is drawn"""
    outputs: Float[Array, "4"]
    """its output for the four inputs"""


def plane_of(unit: Callable[[Float[Array, "2"]], Float[Array, ""]]) -> Plane:
    """Where ``unit`` fires."""
    axis = jnp.linspace(LOW, HIGH, SIDE)
    points = jnp.stack(jnp.meshgrid(axis, axis), axis=-1)
    return Plane(jax.vmap(jax.vmap(unit))(points), jax.vmap(unit)(BITS))


def perceptron_figures(
    names: Sequence[str], params: dict, wrong: Counts, updates: Counts, batch_size: int
) -> dict[str, "Figure"]:
    """The plane of each unit; wrong outputs and updates over the examples seen; XOR by one layer and by two."""
    units = params["params"]
    of_unit = jax.jit(jax.vmap(lambda weights, bias: plane_of(partial(threshold_unit, weights=weights, bias=bias))))
    every = jax.device_get(of_unit(units["weights"], units["bias"]))
    planes = {name: Plane(*of_name) for name, *of_name in zip(names, *every, strict=True)}
    counts = dict(zip(names, np.asarray(params["counts"]["updates"]), strict=True))
    drawn = {"functions": functions(planes, counts), "updates": way(names, wrong, updates, batch_size)}
    if "xor" in planes:
        drawn["xor"] = both_layers(planes["xor"])
    return drawn


def functions(planes: dict[str, Plane], counts: dict[str, float]) -> "Figure":
    """Every unit's half-plane over the four inputs of its function, with the number of its updates."""
    from matplotlib.figure import Figure

    columns = min(4, len(planes))
    rows = -(-len(planes) // columns)
    figure = Figure(figsize=(max(2.1 * columns, 3.6), 2.35 * rows + 0.5), dpi=144, layout="constrained")
    right = 0
    for place, (name, plane) in enumerate(planes.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        right += draw_plane(axes, plane, TRUTH_TABLES[name])
        axes.set_title(f"{name.replace('_', ' ')}\n{counted(counts[name], 'update')}", fontsize=9)
    figure.suptitle(f"{right} of {len(planes)} learnt; shaded where the unit fires", fontsize=11)
    return figure


def both_layers(one_unit: Plane) -> "Figure":
    """XOR by one unit, as it was left, and by three in two layers, with the lines of the two hidden ones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 3.4), dpi=144, layout="constrained")
    one, two = figure.subplots(1, 2)
    draw_plane(one, one_unit, TRUTH_TABLES["xor"])
    one.set_title("xor: one unit after the last update", fontsize=10)
    draw_plane(two, jax.device_get(jax.jit(partial(plane_of, xor_network))()), TRUTH_TABLES["xor"])
    for level, label, place in ((0.5, "at least one", 0.32), (1.5, "not both", 0.68)):
        two.plot([LOW, HIGH], [level - LOW, level - HIGH], color="black", linewidth=1, linestyle="--")
        two.text(place, place, label, fontsize=9, rotation=-45, ha="center", va="center")
    two.set_title("xor: two layers, three units", fontsize=10)
    return figure


def draw_plane(axes: "Axes", plane: Plane, targets: Float[np.ndarray, "4"]) -> bool:
    """The side on which a unit fires, filled points where the function is 1; whether all four outputs are right."""
    from matplotlib.colors import to_rgb

    right = bool((plane.outputs == targets).all())
    colour = RIGHT if right else WRONG
    shade = 1 - 0.35 * plane.fires[..., None] * (1 - np.array(to_rgb(colour)))
    axes.imshow(shade, origin="lower", extent=(LOW, HIGH, LOW, HIGH), interpolation="nearest")
    faces = [colour if target else "white" for target in targets]
    axes.scatter(*BITS.T, s=42, c=faces, edgecolors=colour, linewidths=1.6, zorder=3)
    axes.set(xticks=(0, 1), yticks=(0, 1), xlim=(LOW, HIGH), ylim=(LOW, HIGH))
    axes.tick_params(labelsize=7, length=2)
    axes.spines[:].set_color(colour)
    return right


def way(names: Sequence[str], wrong: Counts, updates: Counts, batch_size: int) -> "Figure":
    """Wrong outputs of the separable functions and of the parities, and everybody's updates, over the examples seen."""
    from matplotlib.figure import Figure

    seen = batch_size * np.arange(1, len(wrong) + 1)
    parity = np.array([name in ("xor", "xnor") for name in names])
    figure = Figure(figsize=(8.4, 3.6), dpi=144, layout="constrained")
    left, right = figure.subplots(1, 2)
    for which, colour, label in ((~parity, RIGHT, "a line separates"), (parity, WRONG, "no line separates")):
        if which.any():
            label = f"{label} ({counted(which.sum(), 'function')})"
            left.step(seen, wrong[:, which].sum(axis=1), where="post", color=colour, label=label)
            right.plot(seen, updates[:, which], color=colour, linewidth=1, alpha=0.8)
    left.set(xlabel="examples seen", ylabel="wrong outputs", ylim=(-0.5, None))
    left.yaxis.get_major_locator().set_params(integer=True)
    right.axhline(NOVIKOFF, color="black", linestyle="--", linewidth=1)
    right.annotate(
        "Novikoff's bound for and, nand", (0.99, NOVIKOFF), (0, 3), xycoords=("axes fraction", "data"),
        textcoords="offset points", fontsize=8, ha="right",
    )  # fmt: skip
    right.set(xlabel="examples seen", ylabel="updates of a unit", ylim=(0, None))
    for axes in (left, right):
        light_grid(axes)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    return figure
