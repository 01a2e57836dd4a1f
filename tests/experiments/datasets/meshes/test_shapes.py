"""A bent sheet keeps its geodesics; bodies are closed surfaces of one connectivity that keep the lengths of bones."""

import numpy as np
import pytest

from experiments.datasets.meshes.exact import exact_geodesics
from experiments.datasets.meshes.shapes import FIGURE, HAND, figure, hand, sheet
from experiments.datasets.meshes.topology import border_edges, components, crowded_edges, edge_counts

ROWS, COLUMNS = 5, 8


def drawn(shape, count, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (count, len(shape.styles))), generator.uniform(-1, 1, (count, len(shape.poses)))


def side_lengths(vertices, faces):
    return np.linalg.norm(vertices[..., faces, :] - np.roll(vertices[..., faces, :], 1, axis=-2), axis=-1)


def test_geodesics_of_a_bent_sheet_are_the_straight_lines_of_the_flat_one():
    pytest.importorskip("pygeodesic")
    shape, sources = sheet(ROWS, COLUMNS), np.array([0, 11, ROWS * COLUMNS - 1])
    styles, poses = drawn(shape, 4)
    for style, pose, bent in zip(styles, poses, shape.vertices(styles, poses), strict=True):
        x = np.linspace(0, 1 + 0.3 * style[0], COLUMNS)
        y = np.linspace(0, 0.7 + 0.2 * style[1], ROWS)
        flat = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        wanted = np.linalg.norm(flat[sources][:, None] - flat, axis=-1)
        np.testing.assert_allclose(exact_geodesics(bent, shape.faces, sources), wanted, atol=1e-7)
        straight = np.linalg.norm(bent[sources][:, None] - bent, axis=-1)
        assert (straight < wanted - 0.01).any(), pose


@pytest.mark.parametrize(("shape", "vertices"), [(figure(), 112), (hand(), 124)], ids=["figure", "hand"])
def test_a_body_is_one_closed_surface_without_holes(shape, vertices):
    assert border_edges(shape.faces) == crowded_edges(shape.faces) == 0
    assert components(shape.faces, vertices) == 1
    assert vertices - len(edge_counts(shape.faces)) + len(shape.faces) == 2
    meshes = shape.vertices(*drawn(shape, 20))
    assert meshes.shape == (20, vertices, 3)
    a, b, c = np.moveaxis(meshes[:, shape.faces], 2, 0)
    assert (np.linalg.norm(np.cross(b - a, c - a), axis=-1) > 1e-6).all()
    assert (np.einsum("mfi,mfi->m", a, np.cross(b, c)) > 0).all(), "faces are counterclockwise from outside"


@pytest.mark.parametrize(("shape", "body"), [(figure(), FIGURE), (hand(), HAND)], ids=["figure", "hand"])
def test_a_pose_keeps_the_sides_of_faces_that_follow_one_bone(shape, body):
    style, poses = drawn(shape, 2)
    first, second = shape.vertices(np.repeat(style[:1], 2, axis=0), poses)
    rigid = (body.weights[shape.faces] == 1).any(axis=-1).all(axis=-1)
    rigid &= (body.weights[shape.faces].argmax(-1) == body.weights[shape.faces].argmax(-1)[:, :1]).all(axis=-1)
    assert rigid.sum() > 50
    lengths = side_lengths(np.stack([first, second]), shape.faces[rigid])
    np.testing.assert_allclose(lengths[0], lengths[1], rtol=1e-9)
    assert np.abs(first - second).max() > 0.05


@pytest.mark.parametrize("shape", [figure(), hand(), sheet(3, 4)], ids=["figure", "hand", "sheet"])
def test_every_factor_moves_vertices(shape):
    rest = np.zeros((1, len(shape.styles))), np.zeros((1, len(shape.poses)))
    for part, names in enumerate((shape.styles, shape.poses)):
        for factor, name in enumerate(names):
            moved = [each.copy() for each in rest]
            moved[part][0, factor] = 1
            assert np.abs(shape.vertices(*moved) - shape.vertices(*rest)).max() > 0.01, name
