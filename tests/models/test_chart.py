"""The geometry that a decoder gives to its latent: planes, cylinders and spheres, and shortest paths on a fine grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from cases import Case

from models.chart import (
    curve_energy,
    curve_length,
    geodesic,
    magnification,
    pull_back_metric,
    straight_line,
)


def decode(code):
    return jnp.tanh(jnp.asarray([[1.0, 0.3], [-0.4, 2.0], [1.0, 1.0]], code.dtype) @ code)


CASES = {
    pull_back_metric: Case(lambda rng: (decode, 0.3 * rng.normal(size=2))),
    magnification: Case(lambda rng: (decode, 0.3 * rng.normal(size=2))),
    curve_length: Case(lambda rng: (decode, 0.3 * rng.normal(size=(4, 2)))),
    curve_energy: Case(lambda rng: (decode, 0.3 * rng.normal(size=(4, 2)))),
    geodesic: Case(lambda rng: (decode, 0.3 * rng.normal(size=(4, 2))), {"steps": 4}),
    straight_line: Case(options={"points": 4}),
}

metric, size = (jax.jit(function, static_argnums=0) for function in (pull_back_metric, magnification))
length, energy = (jax.jit(function, static_argnums=0) for function in (curve_length, curve_energy))
shortest = jax.jit(geodesic, static_argnums=0, static_argnames="steps")
joining = jax.jit(straight_line, static_argnames="points")
MATRIX = np.random.default_rng(0).normal(size=(6, 2))
BENT = np.sin(np.linspace(0, np.pi, 17))[:, None] * np.array([[0.2, -0.3]])


def plane(code):
    return jnp.asarray(MATRIX) @ code + 1


def cylinder(code):
    return jnp.stack([jnp.cos(code[0]), jnp.sin(code[0]), code[1]])


def sphere(code):
    """Of latitude and longitude."""
    latitude, longitude = code
    ring = jnp.cos(latitude)
    return jnp.stack([ring * jnp.cos(longitude), ring * jnp.sin(longitude), jnp.sin(latitude)])


def hills(code):
    """A plane with a hill in its middle and a rise, as an image of 2 × 2."""
    x, y = code
    return jnp.stack([x, y, 1.2 * jnp.exp(-4 * (x**2 + y**2)), 0.5 * jnp.tanh(x + 2 * y)]).reshape(2, 2)


def line(start, end, points=17):
    return joining(np.asarray(start), np.asarray(end), points=points)


def test_a_linear_decoder_has_one_metric_everywhere(float64):
    for code in np.random.default_rng(1).normal(size=(3, 2)):
        np.testing.assert_allclose(metric(plane, jnp.asarray(code)), MATRIX.T @ MATRIX, rtol=1e-12)
    expected = np.sqrt(np.linalg.det(MATRIX.T @ MATRIX))
    np.testing.assert_allclose(size(plane, jnp.zeros(2)), expected, rtol=1e-12)


def test_the_metric_measures_small_steps(float64):
    code, step = jnp.asarray([0.3, -0.2]), 1e-5 * jnp.asarray([1.0, 2.0])
    moved = np.linalg.norm(hills(code + step / 2) - hills(code - step / 2))
    np.testing.assert_allclose(np.sqrt(step @ metric(hills, code) @ step), moved, rtol=1e-8)


def test_the_sphere_shrinks_towards_its_pole(float64):
    for latitude in (0.0, 0.5, 1.2):
        code = jnp.asarray([latitude, 0.7])
        expected = np.diag([1, np.cos(latitude) ** 2])
        np.testing.assert_allclose(metric(sphere, code), expected, atol=1e-12)
        np.testing.assert_allclose(size(sphere, code), np.cos(latitude), rtol=1e-12)


def test_magnification_is_zero_where_a_direction_is_lost(float64):
    assert size(lambda code: code[:1], jnp.ones(2)) == 0


def test_energy_is_at_least_half_the_squared_length_with_equality_at_constant_speed(float64):
    even, bent = line([-0.5, 0.0], [0.5, 1.0]), line([-0.5, 0.0], [0.5, 1.0]) + BENT
    np.testing.assert_allclose(energy(cylinder, even), length(cylinder, even) ** 2 / 2, rtol=1e-12)
    assert energy(cylinder, bent) > length(cylinder, bent) ** 2 / 2 * 1.001


def test_lengths_tend_to_the_integral_of_the_metric(float64):
    """∫ √(γ̇ᵀ G γ̇) dt along a straight line of latitudes and longitudes, by quadrature."""
    start, end = np.array([0.1, 0.2]), np.array([0.9, 1.5])

    def speed(t):
        latitude = start[0] + t * (end[0] - start[0])
        return np.sqrt((end[0] - start[0]) ** 2 + (np.cos(latitude) * (end[1] - start[1])) ** 2)

    nodes, weights = np.polynomial.legendre.leggauss(20)
    expected = weights @ speed((nodes + 1) / 2) / 2
    np.testing.assert_allclose(length(sphere, line(start, end, 401)), expected, rtol=1e-5)


@pytest.mark.parametrize("decode", [plane, cylinder])
def test_on_a_flat_surface_a_bent_line_becomes_straight(decode, float64):
    """Its length is that of the straight line; the cylinder's polygon has chords instead of arcs."""
    straight = line([-0.5, 0.0], [1.5, 1.0])
    found = shortest(decode, straight + BENT)
    np.testing.assert_allclose(found, straight, atol=1e-6)
    arc, rise = 2.0 / 16, 1.0 / 16
    expected = np.linalg.norm(MATRIX @ [2, 1]) if decode is plane else 16 * np.hypot(2 * np.sin(arc / 2), rise)
    np.testing.assert_allclose(length(decode, found), expected, rtol=1e-9)


def test_on_the_sphere_the_way_is_a_great_circle(float64):
    """Its length is the chords' of the angle Ω between the ends, 2 n sin(Ω/2n), and no point leaves their plane."""
    start, end = jnp.asarray([0.7, -1.0]), jnp.asarray([0.8, 1.1])
    found = shortest(sphere, joining(start, end, points=33))
    ends = np.asarray(sphere(start)), np.asarray(sphere(end))
    angle = np.arccos(ends[0] @ ends[1])
    np.testing.assert_allclose(length(sphere, found), 64 * np.sin(angle / 64), rtol=1e-9)
    assert length(sphere, joining(start, end, points=33)) > 1.05 * angle
    np.testing.assert_allclose(jax.jit(jax.vmap(sphere))(found) @ np.cross(*ends), 0, atol=1e-6)
    np.testing.assert_array_equal(found[jnp.asarray([0, -1])], jnp.stack([start, end]))


def shortest_on_a_grid(decode, start, end, side=61, reach=4):
    """Dijkstra's shortest path over a grid of latents in [−1, 1]², with steps of up to ``reach`` points each way."""
    values = np.linspace(-1, 1, side)
    grid = np.stack(np.meshgrid(values, values, indexing="ij"), axis=-1).reshape(-1, 2)
    images = np.asarray(jax.jit(jax.vmap(decode))(grid)).reshape(len(grid), -1)
    index = np.arange(side * side).reshape(side, side)
    froms, tos = [], []
    for down in range(reach + 1):
        for across in range(-reach, reach + 1):
            one = index[: side - down, max(0, -across) : side - max(0, across)]
            other = index[down:, max(0, across) : side + min(0, across)]
            froms.append(one.ravel())
            tos.append(other.ravel())
    froms, tos = np.concatenate(froms), np.concatenate(tos)
    lengths = np.linalg.norm(images[froms] - images[tos], axis=1)
    graph = scipy.sparse.csr_matrix((lengths[froms != tos], (froms[froms != tos], tos[froms != tos])))
    nearest = [int(np.argmin(np.sum((grid - point) ** 2, axis=1))) for point in (start, end)]
    return scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=nearest[0])[nearest[1]]


def test_no_path_over_a_fine_grid_is_much_shorter(float64):
    """The grid's directions cost it up to about 1 % of length, its chords save less: within 2 % either way."""
    start, end = np.array([-0.9, -0.3]), np.array([0.9, -0.2])
    straight = joining(jnp.asarray(start), jnp.asarray(end), points=33)
    found = float(length(hills, shortest(hills, straight)))
    grid = shortest_on_a_grid(hills, start, end)
    assert found < 0.97 * float(length(hills, straight))
    assert 0.98 * grid < found < 1.02 * grid


def test_a_found_way_never_has_more_energy_than_the_line_given():
    straight = line(np.float32([-0.9, -0.3]), np.float32([0.9, -0.2]))
    energies = [float(energy(hills, shortest(hills, straight, steps=steps))) for steps in (0, 1, 3, 10)]
    assert energies == sorted(energies, reverse=True)
    assert energies[0] == float(energy(hills, straight))
