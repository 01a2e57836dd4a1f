"""Drawn shapes become files; ways begin and end where they should; a missing library is one line; LIMP learns."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import measured, trained

from experiments.datasets import DataError
from experiments.datasets.meshes.read import read_mesh
from experiments.datasets.meshes.settings import MeshData
from experiments.datasets.meshes.write import write_ply
from experiments.meshes.limp.card import CARD
from experiments.meshes.limp.experiment import LIMPSettings, anatomy, data, evaluate_whole, network, paths
from experiments.run.sample_files import write_samples
from experiments.run.settings import configure

SMOKE = configure(LIMPSettings(), CARD.all_presets["smoke"])


@pytest.fixture(scope="module")
def dataset():
    return SMOKE.meshes.load()


def test_samples_are_files_with_the_faces_of_the_data(dataset, tmp_path):
    meshes = dataset.splits["train"]["vertices"][:10]
    pytest.importorskip("trimesh")
    folder = write_samples(tmp_path, 5, dataset, {"of_seed": 0}, {"vertices": meshes})
    assert len(list(folder.glob("*.ply"))) == 10
    vertices, faces = read_mesh(folder / "sample-7.ply")
    np.testing.assert_allclose(vertices, meshes[7], rtol=1e-6)
    np.testing.assert_array_equal(faces, dataset.context["faces"])
    assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_ways_are_reconstructions_at_their_ends_and_straight_lines_between_shapes(dataset):
    net, shared = network(SMOKE, dataset), anatomy(SMOKE, dataset.context)
    both = net.init(jax.random.key(0), jnp.zeros((1, *shared.mean.shape)))
    params, meshes = {"plain": both, "limp": both}, dataset.head("train", 3)
    ways = paths(net, shared, params, meshes, jnp.array([0.0, 0.5, 1.0]), pose_alone=False)
    for place, role in ((0, "vertices"), (2, "other")):
        back = shared.meshes(net.apply(both, shared.deviations(meshes[role])))
        np.testing.assert_allclose(ways["limp"][:, place], back, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ways["straight"][:, place], meshes[role], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ways["straight"][:, 1], (meshes["vertices"] + meshes["other"]) / 2, atol=1e-6)
    alone = paths(net, shared, params, meshes, jnp.array([1.0]), pose_alone=True)
    np.testing.assert_allclose(alone["straight"][:, 0], meshes["posed"], rtol=1e-5, atol=1e-6)


def test_without_the_extra_nothing_begins_that_measures_by_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygeodesic.geodesic", None)
    with pytest.raises(
        DataError, match=r"--measured 0 does without\) needs pygeodesic: pip install 'lectern\[meshes\]'$"
    ):
        data(configure(SMOKE, measured=1))
    assert data(SMOKE).splits["train"]["geodesics"].shape == (16, 2, 2, 16)


def test_a_folder_of_meshes_is_measured_without_known_factors(dataset, tmp_path):
    for number, mesh in enumerate(dataset.splits["train"]["vertices"][:8]):
        write_ply(tmp_path / f"{number}.ply", mesh, dataset.context["faces"])
    read = MeshData(data_dir=tmp_path, landmarks=2).load()
    net = network(SMOKE, read)
    both = net.init(jax.random.key(0), jnp.zeros((1, *read.context["mean"].shape)))
    pytest.importorskip("pygeodesic")
    whole = evaluate_whole(configure(SMOKE, measured=2), read)
    found = whole.conclude(jax.device_get(whole.measure({"plain": both, "limp": both}, whole.data, jax.random.key(0))))
    assert set(found) == {
        f"{name}/{measure}" for name in ("plain", "limp", "straight") for measure in ("distortion", "pose_distortion")
    }


@pytest.mark.slow
def test_geodesics_are_distorted_less_than_by_a_plain_autoencoder_and_style_and_pose_come_apart():
    """On sheets, whose mirror images have all of their distances."""
    pytest.importorskip("pygeodesic")
    settings = configure(
        LIMPSettings(), CARD.all_presets["sheet"] | dict(rows=5, columns=7, examples=300, widths=(64,), steps=600)
    )
    found = measured(*trained("limp", settings))
    assert found["limp/distortion"] < 0.6 * found["plain/distortion"]
    assert found["limp/pose_distortion"] < 0.5 * found["plain/pose_distortion"]
    assert found["limp/swap"] < 0.5 * found["plain/swap"]
