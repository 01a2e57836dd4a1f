"""How far exact geodesics on shapes between two others are from those between theirs."""

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.meshes.exact import exact_geodesics

Ways = Float[np.ndarray, "pairs places vertices 3"]
Tables = Float[np.ndarray, "meshes sources vertices"]


def geodesics_of_many(
    meshes: Float[np.ndarray, "meshes vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    sources: Int[np.ndarray, " sources"],
) -> Tables:
    """Exact distances from the sources on each mesh; ``DataError`` as ``exact_geodesics``."""
    return np.stack([exact_geodesics(mesh, faces, sources) for mesh in meshes])


def way_distortion(
    way: Ways,
    first: Tables,
    last: Tables,
    places: Float[np.ndarray, " places"],
    faces: Int[np.ndarray, "faces 3"],
    sources: Int[np.ndarray, " sources"],
) -> Float[np.ndarray, "pairs places"]:
    """In % the mean absolute difference of geodesics on a way from those that lie between its ends, over their mean.

        100 Σ_ij |D_ij(x_t) − T_ij| / Σ_ij T_ij,     T = (1 − t) D(a) + t D(b)

    After Cosmo et al. 2020.
    """
    wanted = first[:, None] + places[:, None, None] * (last - first)[:, None]
    along = geodesics_of_many(way.reshape(-1, *way.shape[2:]), faces, sources).reshape(wanted.shape)
    return 100 * np.abs(along - wanted).sum(axis=(2, 3)) / wanted.sum(axis=(2, 3))
