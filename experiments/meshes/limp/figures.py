"""Pictures of a latent space of shapes: ways between two of them, exchanged styles and poses, distances on the way."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.meshes import mesh_strips

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {"limp": "LIMP", "plain": "plain variational autoencoder", "straight": "vertices on straight lines"}
SHOWN = 6
Meshes = Float[np.ndarray, "meshes vertices 3"]


def interpolation_strips(
    ways: Mapping[str, Meshes], faces: Int[np.ndarray, "faces 3"], *, title: str = "between two test shapes"
) -> "Figure":
    """A row of shapes for each way between two."""
    return mesh_strips({NAMES[name]: ways[name] for name in NAMES}, faces, title=title)


def swap_strips(
    styles: Meshes,
    poses: Meshes,
    made: Mapping[str, Meshes],
    truth: Meshes | None,
    faces: Int[np.ndarray, "faces 3"],
) -> "Figure":
    """Columns of a shape whose style is taken, one whose pose is, what each model makes of both, and what is right."""
    rows = {"style of": styles, "pose of": poses} | {NAMES[name]: made[name] for name in NAMES if name in made}
    if truth is not None:
        rows["known answer"] = truth
    return mesh_strips(
        {name: meshes[:SHOWN] for name, meshes in rows.items()}, faces, title="style of one shape, pose of another"
    )


def distortion_curves(
    places: Float[np.ndarray, " places"], along: Mapping[str, Float[np.ndarray, " places"]]
) -> "Figure":
    """The mean distortion of geodesics at each place between two shapes; dashed where the pose alone moves."""
    figure, axes = canvas("geodesics between two shapes")
    for colour, (name, label) in zip(PALETTE, NAMES.items(), strict=False):
        axes.plot(places, along[f"{name}/distortion"], color=colour, label=label)
        axes.plot(places, along[f"{name}/pose_distortion"], color=colour, linestyle="--", label=f"{label}, pose alone")
    axes.set(xlabel="place between the two", ylabel="distortion, %", ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)
    return figure
