"""Exact geodesic distances of polyhedral surfaces, by pygeodesic, which is of the extra "meshes"."""

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.dataset import DataError
from experiments.datasets.meshes.extra import of_the_extra


def exact_geodesics(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], sources: Int[np.ndarray, " sources"]
) -> Float[np.ndarray, "sources vertices"]:
    """The length of the shortest path over the surface from each source to every vertex, in the unit of vertices.

    From the library's table of distances: of a pair it says 0 where there is no path. ``DataError`` where a vertex
    cannot be reached, or a coordinate is not finite. Mitchell et al. 1987.
    """
    library = of_the_extra("pygeodesic.geodesic", "an exact geodesic distance")
    if not np.isfinite(vertices).all():
        raise DataError("geodesics of a mesh some of whose coordinates are not finite")
    solver = library.PyGeodesicAlgorithmExact(np.asarray(vertices, np.float64), np.asarray(faces, np.int32))
    table = np.stack([solver.geodesicDistances(np.array([source]), None)[0] for source in sources])
    if not np.isfinite(table).all():
        source, vertex = np.argwhere(~np.isfinite(table))[0]
        raise DataError(f"no path over the mesh leads from vertex {sources[source]} to vertex {vertex}")
    return table
