"""Folders of bodies become triples of one connectivity, held out by body; other connectivity is refused by name."""

import numpy as np
import pytest

from experiments.datasets.dataset import SPLITS, DataError
from experiments.datasets.meshes.folder import mesh_folder
from experiments.datasets.meshes.shapes import sheet
from experiments.datasets.meshes.write import write_ply

SHAPE = sheet(2, 4)


def write(folder, *, bodies=2, poses=7):
    generator = np.random.default_rng(0)
    for body in range(bodies):
        style = np.repeat(generator.uniform(-1, 1, (1, 2)), poses, axis=0)
        (folder / f"body-{body}").mkdir(parents=True)
        for number, mesh in enumerate(SHAPE.vertices(style, generator.uniform(-1, 1, (poses, 2)))):
            write_ply(folder / f"body-{body}" / f"{number}.ply", 40 + 3 * mesh, SHAPE.faces)
    return folder


def long_side(meshes):
    """Of a sheet, by its first edge along: what tells bodies apart."""
    return np.linalg.norm(meshes[:, 1] - meshes[:, 0], axis=-1)


def test_a_triple_is_a_body_in_two_poses_and_another_body(tmp_path):
    dataset = mesh_folder(write(tmp_path / "all"), landmarks=3)
    assert [len(dataset.splits[split]["vertices"]) for split in SPLITS] == [10, 2, 2]
    assert dataset.protocol.startswith("10/2/2 meshes of 2 bodies, 8 vertices")
    for split in SPLITS:
        each = dataset.splits[split]
        np.testing.assert_allclose(long_side(each["posed"]), long_side(each["vertices"]), rtol=1e-4)
        assert (np.abs(long_side(each["other"]) - long_side(each["vertices"])) > 1e-3).all()
        np.testing.assert_allclose(each["vertices"].mean(axis=1), 0, atol=1e-6)
    everything = np.concatenate([dataset.splits[split]["vertices"] for split in SPLITS])
    assert len(np.unique(everything.round(5), axis=0)) == 14
    np.testing.assert_allclose(np.mean(np.sum(everything**2, axis=-1)), 1, rtol=1e-5)
    assert dataset.remarks == ("the meshes have 8 border edges: geodesics go around holes, and none leads across one",)


def test_other_connectivity_is_refused_by_name(tmp_path):
    folder = write(tmp_path / "all", bodies=1)
    write_ply(folder / "body-0" / "odd.ply", SHAPE.vertices(np.zeros((1, 2)), np.zeros((1, 2)))[0], SHAPE.faces[::-1])
    with pytest.raises(DataError, match=r"odd\.ply: its faces are not those of .*0\.ply"):
        mesh_folder(folder, landmarks=3)


def test_what_is_no_folder_of_bodies_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        mesh_folder(tmp_path / "none", landmarks=3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no mesh in it"):
        mesh_folder(tmp_path / "empty", landmarks=3)
    with pytest.raises(DataError, match="5 of at least 6 meshes"):
        mesh_folder(write(tmp_path / "few", poses=5), landmarks=3)
    folder = write(tmp_path / "mixed")
    (folder / "body-0" / "0.ply").rename(folder / "0.ply")
    with pytest.raises(DataError, match="lies beside folders of bodies"):
        mesh_folder(folder, landmarks=3)


def test_too_large_meshes_are_refused(tmp_path):
    large = sheet(45, 45)
    for number in range(6):
        write_ply(tmp_path / f"{number}.ply", large.vertices(np.zeros((1, 2)), np.zeros((1, 2)))[0], large.faces)
    with pytest.raises(DataError, match="2025 vertices, and 2000 at most"):
        mesh_folder(tmp_path, landmarks=3)
