"""The discrete geometry of triangle meshes: vertices in space, and faces of three of their numbers each.

Faces are checked where meshes are read; here an index is taken as it comes. A face without an area has bounded
cotangents.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

LEAST = 1e-12
"""What is added to the square of a face's double area, in the unit of vertices to the fourth power."""


def safe_norm(vectors: Float[Array, "*batch 3"]) -> Float[Array, "*batch"]:
    """Euclidean lengths |v|, whose gradient at 0 is 0.

    The subgradient of least length. Lecture 004.
    """
    return _safe_root(jnp.sum(vectors**2, axis=-1))


def _safe_root(squares: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1.0)), 0.0)


def pairwise_distances(vertices: Float[Array, "vertices 3"]) -> Float[Array, "vertices vertices"]:
    """Euclidean distances D_ij = |x_i − x_j| between all vertices, in their unit; the gradient is 0 where one is.

    Coordinate by coordinate, as arrays whose last axis has 3 entries are slow. Cosmo et al. 2020. Lecture 004.
    """
    squares = sum((along[:, None] - along) ** 2 for along in vertices.T)
    return _safe_root(squares)


def face_sides(vertices: Float[Array, "vertices 3"], faces: Int[Array, "faces 3"]) -> Float[Array, "faces 3 3"]:
    """The side opposite of each corner of a face as a vector:  e_a = x_c − x_b,  e_b = x_a − x_c,  e_c = x_b − x_a.

    Pinkall & Polthier 1993.
    """
    return vertices[faces[:, jnp.array([2, 0, 1])]] - vertices[faces[:, jnp.array([1, 2, 0])]]


class Operators(NamedTuple):
    """What differential equations on a mesh take."""

    stiffness: Float[Array, "vertices vertices"]
    """minus the cotangent Laplacian: symmetric, no eigenvalue below 0, rows that sum to 0"""
    areas: Float[Array, " vertices"]
    """the lumped mass of each vertex, in the unit of vertices squared"""


def mesh_operators(vertices: Float[Array, "vertices 3"], faces: Int[Array, "faces 3"]) -> Operators:
    """The stiffness matrix of linear finite elements, and a third of the area of the faces around each vertex.

        S_ij = Σ_f ⟨e_i, e_j⟩ / 4A_f,     M_i = Σ_f A_f / 3

    over the faces f of both vertices, with e_i the side opposite of i and A the area. Off the diagonal this is
    −½ (cot α + cot β), with the angles opposite of the edge, of which a border has one. Pinkall & Polthier 1993.
    """
    sides = face_sides(vertices, faces)
    double = jnp.sqrt(jnp.sum(jnp.cross(sides[:, 0], sides[:, 1]) ** 2, axis=-1) + LEAST)
    local = jnp.einsum("fik,fjk->fij", sides, sides) / (2 * double[:, None, None])
    count = len(vertices)
    stiffness = jnp.zeros((count, count), vertices.dtype).at[faces[:, :, None], faces[:, None, :]].add(local)
    areas = jax.ops.segment_sum(jnp.repeat(double / 6, 3), faces.reshape(-1), count)
    return Operators(stiffness, areas)
