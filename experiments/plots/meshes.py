"""Pictures of triangle meshes: rows of them seen from ahead and above, shaded by the direction of their faces."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from experiments.plots.canvas import PIXELS_PER_INCH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 1.3
"""Inches of a mesh's panel."""
LIGHT = np.array([0.4, 0.5, 0.77])
COLOUR = np.array([0.42, 0.7, 0.95])
DARKEST = 0.25
ACROSS, DOWN = np.radians(35), np.radians(15)
"""How far the eye stands to the left of the z axis, and above it."""
Meshes = Float[np.ndarray, "meshes vertices 3"]


def mesh_strips(strips: Mapping[str, Meshes], faces: Int[np.ndarray, "faces 3"], *, title: str) -> "Figure":
    """A row of meshes under each name, all to one scale; y is up.

    A face's brightness is the cosine between its normal and the light, so that both of its sides are seen. Faces are
    painted from the farthest to the nearest, without perspective (Newell et al. 1972).
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    columns = max(len(meshes) for meshes in strips.values())
    turned = {name: in_view(np.asarray(meshes)) for name, meshes in strips.items()}
    half = 1.05 * max(np.abs(meshes[..., :2]).max() for meshes in turned.values()) or 1.0
    size = (max(SIDE * columns, 4.0), 0.35 + (SIDE + 0.25) * len(strips))
    figure = Figure(figsize=size, dpi=PIXELS_PER_INCH * 1.5)
    figure.suptitle(title, x=0.02, ha="left", fontsize=10, y=1 - 0.05 / size[1], va="top")
    for row, (name, meshes) in enumerate(turned.items()):
        top = size[1] - 0.35 - row * (SIDE + 0.25)
        figure.text(0.02, (top - 0.02) / size[1], name, fontsize=8, va="top")
        axes = figure.add_axes((0, (top - 0.2 - SIDE) / size[1], SIDE * columns / size[0], SIDE / size[1]))
        for column, (mesh, given) in enumerate(zip(meshes, strips[name], strict=True)):
            order = np.argsort(mesh[faces][..., 2].mean(axis=1))
            outlines = mesh[faces][order][..., :2] + [2 * half * column, 0]
            colours = shades(np.asarray(given)[faces])[order]
            axes.add_collection(PolyCollection(outlines, facecolors=colours, edgecolors=colours, linewidths=0.2))
        axes.set(xlim=(-half, (2 * columns - 1) * half), ylim=(-half, half), xticks=[], yticks=[])
        axes.set_axis_off()
    return figure


def in_view(meshes: Meshes) -> Meshes:
    """Meshes about their middle, as the eye has them: to the right, up, and towards it."""
    centred = meshes - meshes.mean(axis=-2, keepdims=True)
    aside = np.array([[np.cos(ACROSS), 0, np.sin(ACROSS)], [0, 1, 0], [-np.sin(ACROSS), 0, np.cos(ACROSS)]])
    above = np.array([[1, 0, 0], [0, np.cos(DOWN), -np.sin(DOWN)], [0, np.sin(DOWN), np.cos(DOWN)]])
    return centred @ (above @ aside).T


def shades(triangles: Float[np.ndarray, "faces 3 3"]) -> Float[np.ndarray, "faces 3"]:
    """Colours by the angle between normals and light (Lambert 1760); a face without an area is dark."""
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    cosines = np.abs(normals @ LIGHT) / np.where(lengths > 0, lengths * np.linalg.norm(LIGHT), 1.0)
    return COLOUR * (DARKEST + (1 - DARKEST) * cosines)[:, None]
