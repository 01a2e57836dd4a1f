"""One mesh from a file, by trimesh, which is of the extra "meshes": as it stands, or refused by name."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.dataset import DataError
from experiments.datasets.meshes.extra import of_the_extra
from experiments.datasets.meshes.topology import components, crowded_edges
from experiments.numerals import counted


def read_mesh(path: Path) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices and faces in the order of the file: nothing is merged, dropped or moved. Polygons become triangles.

    A border is no fault. ``DataError`` names the file where it cannot be read, a coordinate is not finite, a face names
    a vertex that is not there or one twice or has no area, an edge has more than two faces, or the mesh is in parts,
    of which a vertex without a face is one.
    """
    library = of_the_extra("trimesh", "reading meshes")
    try:
        mesh = library.load_mesh(path, process=False, maintain_order=True)
        vertices, faces = np.array(mesh.vertices, float), np.array(mesh.faces, np.int64)
    except Exception as error:  # the readers of damaged files raise whatever they stumble over
        raise DataError(f"{path}: cannot be read as a mesh ({type(error).__name__}: {error})".split("\n")[0]) from None
    if fault := _fault(vertices, faces):
        raise DataError(f"{path}: {fault}")
    return vertices, faces.astype(np.int32)


def _fault(vertices: np.ndarray, faces: np.ndarray) -> str:
    """What keeps a mesh from being one surface of triangles; "" where nothing does."""
    if not len(faces):
        return "it has no faces"
    if not np.isfinite(vertices).all():
        return "a coordinate is not finite"
    if faces.min() < 0 or faces.max() >= len(vertices):
        return f"a face names vertex {faces.max()}, and there are {len(vertices)}"
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    flat = np.linalg.norm(np.cross(b - a, c - a), axis=1) == 0
    if flat.any():
        return f"face {int(np.argmax(flat))} has no area"
    if crowded := crowded_edges(faces):
        return f"{counted(crowded, 'edge')} with more than two faces: the surface is no manifold there"
    if (parts := components(faces, len(vertices))) > 1:
        return f"it is in {parts} parts, between which there are no geodesics"
    return ""
