"""Exact geodesics are those that an unfolded surface shows; what has none is refused, and so is a missing library."""

import sys

import numpy as np
import pytest

from experiments.datasets.dataset import DataError
from experiments.datasets.meshes.bodies import Body, Bone
from experiments.datasets.meshes.exact import exact_geodesics

pytest.importorskip("pygeodesic")
CUBE = Body({"cube": Bone(((0, 0, 0), (1, 1, 1)), (0, 0, 0))})


def test_across_a_cube_the_way_is_that_on_two_unfolded_faces():
    vertices, faces = CUBE.lattice, CUBE.faces
    table = exact_geodesics(vertices, faces, np.arange(8))
    steps = np.abs(vertices[:, None] - vertices).sum(axis=-1)
    np.testing.assert_allclose(table, np.sqrt(np.array([0, 1, 2, 5]))[steps.astype(int)], atol=1e-12)


def test_an_unreachable_vertex_is_refused_not_0_away():
    vertices = np.concatenate([CUBE.lattice, CUBE.lattice + 5])
    with pytest.raises(DataError, match="no path over the mesh leads from vertex 0 to vertex 8"):
        exact_geodesics(vertices, np.concatenate([CUBE.faces, CUBE.faces + 8]), np.array([0]))


def test_a_coordinate_that_is_not_finite_is_refused():
    vertices = CUBE.lattice.copy()
    vertices[3, 1] = np.nan
    with pytest.raises(DataError, match="not finite"):
        exact_geodesics(vertices, CUBE.faces, np.array([0]))


def test_a_missing_library_is_one_line_that_says_how_it_is_had(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygeodesic.geodesic", None)
    with pytest.raises(
        DataError, match=r"^an exact geodesic distance needs pygeodesic: pip install 'lectern\[meshes\]'$"
    ):
        exact_geodesics(CUBE.lattice, CUBE.faces, np.array([0]))
