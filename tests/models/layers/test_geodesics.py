"""The heat method is near great circles, distances in a plane, and exact geodesics; its gradient is that of itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from jax.test_util import check_grads

from experiments.datasets.meshes.exact import exact_geodesics
from experiments.datasets.meshes.shapes import figure
from models.layers.geodesics import heat_geodesics

FACES = np.array([(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)], np.int32)
CORNERS = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], float)


def octahedron(rng):
    return CORNERS + rng.uniform(-0.1, 0.1, size=(6, 3)), FACES, np.array([0, 4], np.int32)


CASES = {heat_geodesics: Case(octahedron)}


def sphere(levels):
    """An octahedron whose faces are cut in four again and again, and whose vertices are moved to the sphere."""
    vertices, faces = list(map(tuple, CORNERS)), FACES.tolist()
    for _ in range(levels):
        middles, cut = {}, []
        for face in faces:
            between = []
            for pair in zip(face, face[1:] + face[:1], strict=True):
                key = tuple(sorted(pair))
                if key not in middles:
                    middle = np.add(vertices[pair[0]], vertices[pair[1]])
                    middles[key] = len(vertices)
                    vertices.append(tuple(middle / np.linalg.norm(middle)))
                between.append(middles[key])
            (a, b, c), (ab, bc, ca) = face, between
            cut += [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
        faces = cut
    return np.array(vertices), np.array(faces, np.int32)


def error(found, wanted):
    """In parts of the mean distance."""
    return np.abs(np.asarray(found) - wanted).mean() / wanted.mean()


compiled = jax.jit(heat_geodesics)


def measured(vertices, faces, sources):
    return compiled(jnp.asarray(vertices), jnp.asarray(faces), jnp.asarray(sources))


def test_on_a_sphere_it_nears_great_circles_as_faces_shrink(float64):
    errors = []
    for levels in (1, 3):
        vertices, faces = sphere(levels)
        sources = np.array([0, 4])
        angles = np.arccos(np.clip(vertices[sources] @ vertices.T, -1, 1))
        errors.append(error(measured(vertices, faces, sources), angles))
    assert errors[0] > errors[1]
    assert errors[1] < 0.04


def test_in_a_plane_it_is_near_straight_lines(float64):
    """In 5 % of the mean on 11 × 11 vertices, of which the insulated border takes the most."""
    side = 11
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (each.ravel() for each in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(side * side)], axis=1)
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    sources = np.array([0, index[5, 5]])
    wanted = np.linalg.norm(vertices[sources][:, None] - vertices[None], axis=-1)
    assert error(measured(vertices, faces, sources), wanted) < 0.05


def test_on_a_coarse_body_it_is_within_a_tenth_of_exact_distances(float64):
    """Limbs are tubes of four sides, and the heat method is linear on each face: no more can be asked."""
    pytest.importorskip("pygeodesic")
    shape = figure()
    generator = np.random.default_rng(0)
    style, pose = generator.uniform(-1, 1, (3, len(shape.styles))), generator.uniform(-1, 1, (3, len(shape.poses)))
    sources = np.array([0, 40, 90], np.int32)
    for mesh in shape.vertices(style, pose):
        assert error(measured(mesh, shape.faces, sources), exact_geodesics(mesh, shape.faces, sources)) < 0.1


def test_a_copy_that_is_scaled_turned_and_moved_has_the_scaled_distances(float64):
    vertices, faces, sources = octahedron(np.random.default_rng(3))
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    moved = 2.5 * vertices @ turn.T + np.array([3.0, -1.0, 2.0])
    np.testing.assert_allclose(
        measured(moved, faces, sources), 2.5 * measured(vertices, faces, sources), rtol=1e-6, atol=1e-9
    )


def test_gradients_are_finite_differences(float64):
    vertices, faces, sources = octahedron(np.random.default_rng(5))
    weights = jnp.asarray(np.random.default_rng(6).normal(size=(2, 6)))

    def weighed(vertices):
        return jnp.sum(weights * measured(vertices, faces, sources))

    check_grads(jax.jit(weighed), (jnp.asarray(vertices),), order=1, modes=("fwd", "rev"), atol=1e-5, rtol=1e-5)
