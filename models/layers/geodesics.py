"""Distances along the surface of a mesh by the heat method: two linear solves, differentiable in the vertices.

It is an approximation, and on coarse meshes a rough one: truth is an exact algorithm's.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.layers.definite import definite_solve
from models.layers.mesh import face_sides, mesh_operators, safe_norm


def heat_geodesics(
    vertices: Float[Array, "vertices 3"],
    faces: Int[Array, "faces 3"],
    sources: Int[Array, " sources"],
    *,
    time: float = 1.0,
) -> Float[Array, "sources vertices"]:
    """Approximate geodesic distances from each source to every vertex, in the unit of vertices.

        (M + t S) u = δ_s,     X = −∇u / |∇u|,     S φ = −∇·X,     d = φ − φ_s

    with M the vertices' areas, S the stiffness and t = ``time`` times the mean squared side. Heat that has flowed for a
    short time falls away from its source along geodesics, whatever its amount: the normalised gradient is that of the
    distance, which is found by least squares. (Constants, which S does not see, are added to it, and change no d.)
    On a face with sides e_c opposite of its corners the gradient is w = Σ_c u_c e_c, turned by a right angle and
    scaled, and so what flows out of the cell of a corner is  ½ ⟨e_c, w⟩ / |w|.
    Borders are insulated; distances that come out below 0 are as they are. The mesh must be in one part. Crane et al.
    2013, algorithm 1.
    """
    operators, sides = mesh_operators(vertices, faces), face_sides(vertices, faces)
    count, steps = len(vertices), time * jnp.mean(jnp.sum(sides**2, axis=-1))
    impulses = jax.nn.one_hot(sources, count, axis=0, dtype=vertices.dtype)
    heat = definite_solve(jnp.diag(operators.areas) + steps * operators.stiffness, impulses)[faces]
    relative = heat / jnp.maximum(jnp.max(heat, axis=1, keepdims=True), jnp.finfo(heat.dtype).tiny)
    turned = jnp.einsum("fcs,fck->fsk", relative, sides)
    length = safe_norm(turned)[..., None]
    flux = jnp.einsum("fck,fsk->fcs", sides, turned / jnp.where(length > 0, length, 1.0)) / 2
    divergence = jax.ops.segment_sum(flux.reshape(-1, len(sources)), faces.reshape(-1), count)
    constants = jnp.mean(jnp.diag(operators.stiffness)) / count
    potential = -definite_solve(operators.stiffness + constants, divergence).T
    return potential - jnp.take_along_axis(potential, sources[:, None], axis=1)
