"""What is written is read as it was; what is no single surface of triangles is refused by name."""

import sys

import numpy as np
import pytest

from experiments.datasets.dataset import DataError
from experiments.datasets.meshes.read import read_mesh
from experiments.datasets.meshes.shapes import figure
from experiments.datasets.meshes.write import write_ply


def obj(path, vertices, faces):
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in np.asarray(vertices, float).tolist()]
    path.write_text("\n".join([*lines, *("f " + " ".join(str(corner + 1) for corner in face) for face in faces), ""]))
    return path


def off(path, vertices, faces):
    lines = [" ".join(map(repr, vertex)) for vertex in np.asarray(vertices, float).tolist()]
    rows = [" ".join(map(str, [len(face), *face])) for face in faces]
    path.write_text("\n".join(["OFF", f"{len(lines)} {len(rows)} 0", *lines, *rows, ""]))
    return path


def ply(path, vertices, faces):
    write_ply(path, np.asarray(vertices, float), np.asarray(faces))
    return path


WRITERS = {".ply": ply, ".obj": obj, ".off": off}


@pytest.mark.parametrize("suffix", WRITERS)
def test_vertices_and_faces_keep_their_order(tmp_path, suffix):
    """Also of vertices that lie at one place, which trimesh would merge."""
    shape = figure()
    vertices = shape.vertices(np.zeros((1, 5)), np.full((1, 3), 0.3))[0]
    vertices[7] = vertices[100]
    read, faces = read_mesh(WRITERS[suffix](tmp_path / f"a{suffix}", vertices, shape.faces))
    np.testing.assert_allclose(read, vertices, atol=1e-7)
    np.testing.assert_array_equal(faces, shape.faces)


def test_polygons_become_triangles(tmp_path):
    _, faces = read_mesh(obj(tmp_path / "a.obj", [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], [(0, 1, 2, 3)]))
    assert sorted(map(sorted, faces.tolist())) in ([[0, 1, 2], [0, 2, 3]], [[0, 1, 3], [1, 2, 3]])


CORNERS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (2, 0, 0), (3, 0, 0)]
FAULTS = {
    "has no area": (CORNERS[:3], [(0, 1, 1), (0, 1, 2)]),
    "1 edge with more than two faces": (CORNERS[:5], [(0, 1, 2), (0, 1, 3), (1, 0, 4)]),
    "it is in 2 parts": (CORNERS, [(0, 1, 2), (3, 4, 5), (4, 5, 6)]),
    "it is in 3 parts": (CORNERS[:5], [(0, 1, 2)]),
    "not finite": ([(0, 0, 0), (1, 0, 0), (0, float("nan"), 0)], [(0, 1, 2)]),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_fault_is_named_with_its_file(tmp_path, said):
    path = off(tmp_path / "bad.off", *FAULTS[said])
    with pytest.raises(DataError, match=rf"^{path}: ") as told:
        read_mesh(path)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "ply\nformat ascii 1.0\nelement vertex 3\n", "no mesh at all", "\x00\x01\x02"])
@pytest.mark.parametrize("suffix", WRITERS)
def test_what_is_no_mesh_is_refused_in_one_line(tmp_path, suffix, text):
    path = tmp_path / f"bad{suffix}"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"^{path}: ") as told:
        read_mesh(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_face_of_a_vertex_that_is_not_there_is_refused(tmp_path, suffix):
    path = WRITERS[suffix](tmp_path / f"bad{suffix}", CORNERS[:3], [(0, 1, 2), (0, 1, 9)])
    with pytest.raises(DataError, match=r"a face names vertex 9, and there are 3|cannot be read as a mesh"):
        read_mesh(path)


def test_points_without_faces_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"points\.obj: (it has no faces|cannot be read)"):
        read_mesh(obj(tmp_path / "points.obj", CORNERS, []))


def test_a_missing_library_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(DataError, match=r"^reading meshes needs trimesh: pip install 'lectern\[meshes\]'$"):
        read_mesh(obj(tmp_path / "a.obj", CORNERS[:3], [(0, 1, 2)]))
