"""Triples share what they should; landmarks are far apart; edges and components are counted right."""

import numpy as np
import pytest

from experiments.datasets.meshes.generated import shape_pairs
from experiments.datasets.meshes.landmarks import farthest_points
from experiments.datasets.meshes.settings import MeshData
from experiments.datasets.meshes.shapes import sheet
from experiments.datasets.meshes.topology import border_edges, components, crowded_edges

SHAPE = sheet(3, 5)


def test_a_triple_is_one_style_in_two_poses_and_another_style_in_the_second_pose():
    dataset = shape_pairs(SHAPE, "sheets", examples=16, landmarks=4)
    train = dataset.splits["train"]
    np.testing.assert_allclose(SHAPE.vertices(train["style"], train["pose"]), train["vertices"], atol=1e-6)
    sizes = {
        name: np.linalg.norm(train[name][:, -1] - train[name][:, -2], axis=-1)
        for name in ("vertices", "posed", "other")
    }
    np.testing.assert_allclose(sizes["vertices"], sizes["posed"], rtol=1e-4)
    assert (np.abs(sizes["other"] - sizes["vertices"]) > 1e-4).all()
    assert [len(dataset.splits[split]["vertices"]) for split in ("train", "valid", "test")] == [16, 2, 2]
    np.testing.assert_allclose(dataset.context["mean"], train["vertices"].mean(axis=0), atol=1e-6)
    assert dataset.fingerprint == shape_pairs(SHAPE, "sheets", examples=16, landmarks=4).fingerprint


def test_the_next_landmark_is_the_vertex_farthest_from_those_before():
    flat = SHAPE.vertices(np.zeros((1, 2)), np.zeros((1, 2)))[0]
    chosen = farthest_points(flat, 5).tolist()
    assert chosen[:2] == [0, 14]
    for count in range(2, 5):
        nearest = [min(np.linalg.norm(vertex - flat[one]) for one in chosen[:count]) for vertex in flat]
        np.testing.assert_allclose(nearest[chosen[count]], max(nearest))
    assert sorted(farthest_points(flat, 99).tolist()) == list(range(15))


def test_edges_and_components_are_those_counted_by_hand():
    two_triangles = np.array([(0, 1, 2), (0, 2, 3)])
    assert border_edges(two_triangles) == 4
    assert crowded_edges(np.array([(0, 1, 2), (1, 0, 3), (0, 1, 4)])) == 1
    assert components(two_triangles, 4) == 1
    assert components(two_triangles, 5) == 2
    assert components(np.array([(0, 1, 2), (5, 4, 3), (2, 6, 5)]), 7) == 1


@pytest.mark.parametrize("shape", ["figure", "hand"])
def test_flags_of_the_sheet_are_idle_for_others(shape):
    assert MeshData(shape=shape).idle() == dict.fromkeys(("rows", "columns"), f"with --shape {shape}")
    assert MeshData(shape="sheet").idle() == {}
