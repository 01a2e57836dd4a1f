"""Operators on meshes are those of the angles, one by one; on a plane they are calculus."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.spatial.distance import cdist

from models.layers.mesh import face_sides, mesh_operators, pairwise_distances, safe_norm

FACES = np.array([(0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2)], np.int32)
"""Of a tetrahedron."""


def tetrahedron(rng):
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)])
    return corners + rng.uniform(-0.1, 0.1, size=(4, 3)), FACES


CASES = {
    safe_norm: Case(lambda rng: (rng.normal(size=(5, 3)),)),
    pairwise_distances: Case(lambda rng: (rng.normal(size=(5, 3)),)),
    face_sides: Case(tetrahedron, constant_almost_everywhere=True),  # in its sum: the three sides of a face add up to 0
    mesh_operators: Case(tetrahedron),
}


def square(side):
    """A grid of the unit square in the plane, two triangles a cell."""
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (each.ravel() for each in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(side * side)], axis=1)
    return vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def test_distances_are_scipys_and_have_a_gradient_where_points_meet(float64):
    points = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(pairwise_distances(jnp.asarray(points)), cdist(points, points), atol=1e-12)
    assert (jax.grad(lambda v: safe_norm(v).sum())(jnp.zeros((2, 3))) == 0).all()


def test_the_gradient_of_pairwise_distances_is_unit_vectors_and_0_where_points_meet():
    points = np.array([[0.0, 0, 0], [0, 0, 0], [3, 4, 0]])
    slope = jax.grad(lambda v: pairwise_distances(v).sum() / 2)(jnp.asarray(points))
    np.testing.assert_allclose(slope, [[-0.6, -0.8, 0], [-0.6, -0.8, 0], [1.2, 1.6, 0]], atol=1e-6)


def test_a_side_is_opposite_of_its_corner(float64):
    vertices, faces = tetrahedron(np.random.default_rng(1))
    sides = face_sides(jnp.asarray(vertices), jnp.asarray(faces))
    a, b, c = vertices[faces[1]]
    np.testing.assert_allclose(sides[1], [c - b, a - c, b - a])
    np.testing.assert_allclose(np.sum(sides, axis=1), 0, atol=1e-12)


def test_stiffness_is_the_cotangents_and_mass_a_third_of_the_areas(float64):
    vertices, faces = tetrahedron(np.random.default_rng(2))
    stiffness, areas = np.zeros((4, 4)), np.zeros(4)
    for face in faces:
        for corner in range(3):
            i, j, k = np.roll(face, -corner)
            u, v = vertices[j] - vertices[i], vertices[k] - vertices[i]
            angle = np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))
            for one, other in ((j, k), (k, j)):
                stiffness[one, other] -= 0.5 / np.tan(angle)
                stiffness[one, one] += 0.5 / np.tan(angle)
            areas[i] += np.linalg.norm(np.cross(u, v)) / 6
    found = mesh_operators(jnp.asarray(vertices), jnp.asarray(faces))
    np.testing.assert_allclose(found.stiffness, stiffness, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.areas, areas, rtol=1e-8)


@pytest.mark.parametrize("slope", [(1.0, 0.0), (0.3, -2.0)])
def test_on_a_plane_the_energy_of_a_linear_function_is_its_squared_slope(float64, slope):
    vertices, faces = square(5)
    found = mesh_operators(jnp.asarray(vertices), jnp.asarray(faces))
    values = vertices[:, :2] @ slope
    np.testing.assert_allclose(values @ np.asarray(found.stiffness) @ values, np.dot(slope, slope), rtol=1e-6)
    np.testing.assert_allclose(np.sum(found.areas), 1, rtol=1e-6)
    assert (np.linalg.eigvalsh(found.stiffness) > -1e-9).all()
