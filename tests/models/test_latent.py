"""Ways between codes and arithmetic on them: closed forms, SciPy, and a plane that is known."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.spatial
import scipy.stats
from cases import Case

from models.latent import (
    analogy,
    boundary,
    linear_interpolation,
    on_sphere,
    radius_log_density,
    spherical_interpolation,
)

CASES = {
    boundary: Case(lambda rng: (lambda code: code[0] < 0.1, rng.normal(size=3), rng.normal(size=3))),
    radius_log_density: Case(lambda rng: (rng.uniform(0.5, 3, ()),), {"dimensions": 3}),
}


def codes(count, size=5, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(count, size)))


@partial(jax.jit, static_argnums=2)
def points_between(start, end, interpolation):
    fractions = jnp.linspace(0.0, 1.0, 11, dtype=start.dtype)
    return jax.vmap(interpolation, (None, None, 0))(start, end, fractions)


def way(start, end, interpolation=spherical_interpolation):
    return np.asarray(points_between(np.asarray(start), np.asarray(end), interpolation))


def angle_between(one, other):
    return np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("interpolation", [linear_interpolation, spherical_interpolation])
def test_ways_begin_and_end_where_they_should(interpolation, float64):
    start, end = codes(2)
    np.testing.assert_allclose(interpolation(start, end, jnp.asarray(0.0)), start, rtol=1e-12)
    np.testing.assert_allclose(interpolation(start, end, jnp.asarray(1.0)), end, rtol=1e-12)


def test_a_straight_way_is_evenly_spaced(float64):
    start, end = codes(2)
    np.testing.assert_allclose(way(start, end, linear_interpolation), np.linspace(start, end, 11), rtol=1e-12)


def test_directions_turn_at_constant_speed_and_norms_change_in_proportion(float64):
    start, end = codes(2)
    end = 3 * end
    points = way(start, end)
    turned = [angle_between(one, other) for one, other in pairwise(points)]
    np.testing.assert_allclose(turned, angle_between(start, end) / 10, rtol=1e-9)
    norms = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(norms, np.linspace(norms[0], norms[-1], 11), rtol=1e-12)
    assert np.linalg.matrix_rank(points, tol=1e-9) == 2


def test_unit_vectors_follow_scipys_geometric_slerp(float64):
    start, end = (code / np.linalg.norm(code) for code in codes(2))
    expected = scipy.spatial.geometric_slerp(np.asarray(start), np.asarray(end), np.linspace(0, 1, 11))
    np.testing.assert_allclose(way(start, end), expected, rtol=1e-9, atol=1e-12)


slope_of_spherical = jax.jit(jax.jacobian(spherical_interpolation, argnums=(0, 1)))


@pytest.mark.parametrize("factor", [1.0, 2.5, 1 + 1e-9, -1.0, -2.0])
def test_parallel_and_opposite_codes_are_joined_by_a_straight_line(factor, float64):
    start, end = codes(1)[0], factor * codes(1)[0]
    points = way(start, end)
    np.testing.assert_allclose(points, np.linspace(start, end, 11), rtol=1e-9, atol=1e-12)
    gradient = slope_of_spherical(start, end, 0.3)
    assert all(np.isfinite(leaf).all() for leaf in gradient)


def test_nearly_parallel_codes_in_single_precision_are_near_the_line():
    start = codes(1)[0].astype(jnp.float32)
    end = start * (1 + 1e-6)
    np.testing.assert_allclose(way(start, end), np.linspace(start, end, 11), rtol=1e-5)


def test_a_way_from_zero_is_finite():
    assert np.isfinite(way(jnp.zeros(3), jnp.asarray([1.0, 2.0, 3.0]))).all()


def test_halfway_the_straight_line_has_left_the_shell_and_the_great_circle_has_not(float64):
    """‖(a + b)/2‖ ≈ √(k/2) for two samples of N(0, I_k); 100 pairs in 400 dimensions, within 5 % of it."""
    size = 400
    pairs = codes(200, size).reshape(100, 2, size)
    straight = jax.vmap(linear_interpolation, (0, 0, None))(pairs[:, 0], pairs[:, 1], jnp.asarray(0.5))
    round_ = jax.vmap(spherical_interpolation, (0, 0, None))(pairs[:, 0], pairs[:, 1], jnp.asarray(0.5))
    assert abs(np.linalg.norm(straight, axis=1).mean() / np.sqrt(size / 2) - 1) < 0.05
    assert abs(np.linalg.norm(round_, axis=1).mean() / np.sqrt(size) - 1) < 0.05


def test_analogies_complete_the_parallelogram(float64):
    king, man, woman = codes(3)
    queen = analogy(king, man, woman)
    np.testing.assert_allclose(queen - woman, king - man, rtol=1e-12)
    np.testing.assert_allclose(analogy(king, man, man), king, rtol=1e-12)


def test_codes_at_a_radius_lie_there_and_point_everywhere(float64):
    """Their mean has variance 1/(N k) in each dimension, and they have covariance I/k: within five standard errors."""
    size, count = 3, 20_000
    found = np.asarray(jax.vmap(on_sphere, (0, None))(codes(count, size), jnp.asarray(2.0)))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 2.0, rtol=1e-12)
    directions = found / 2
    assert (np.abs(directions.mean(axis=0)) < 5 / np.sqrt(count * size)).all()
    np.testing.assert_allclose(directions.T @ directions / count, np.eye(size) / size, atol=5 / np.sqrt(count) / 2)


@pytest.mark.parametrize("dimensions", [1, 2, 8, 200])
def test_the_radius_has_scipys_chi_density(dimensions, float64):
    radii = np.linspace(0.1, 20, 50)
    found = jax.jit(jax.vmap(lambda r: radius_log_density(r, dimensions=dimensions)))(radii)
    np.testing.assert_allclose(found, scipy.stats.chi(dimensions).logpdf(radii), rtol=1e-9)


def test_the_density_at_the_mode_itself():
    assert radius_log_density(jnp.asarray(0.0), dimensions=8) == -np.inf
    np.testing.assert_allclose(radius_log_density(jnp.asarray(0.0), dimensions=1), 0.5 * np.log(2 / np.pi), rtol=1e-6)


density_of = jax.jit(radius_log_density, static_argnames="dimensions")


def test_samples_of_the_prior_concentrate_at_the_root_of_the_dimension():
    """P(|‖z‖ − √k| < 2) > 0.99 at every k from 2 on, though the mode of z is 0; by quadrature of the density."""
    for dimensions in (2, 10, 100, 1000):
        middle = np.sqrt(dimensions)
        inside, _ = scipy.integrate.quad(
            lambda r, k=dimensions: np.exp(density_of(np.float32(r), dimensions=k)),
            max(middle - 2, 0),
            middle + 2,
            epsabs=1e-4,
            limit=20,
        )
        assert 0.99 < inside < 1.001


def test_a_boundary_is_where_the_line_crosses_the_plane(float64):
    """The decision n·z < c changes at t = (c − n·a)/(n·(b − a))."""
    normal, start, end = codes(3)
    level = 0.3 * float(normal @ start) + 0.7 * float(normal @ end)
    side = float(normal @ start) < level
    found = boundary(lambda code: (normal @ code < level) == side, start, end, steps=30)
    np.testing.assert_allclose(found, 0.3 * start + 0.7 * end, rtol=1e-7)
    assert (float(normal @ found) < level) == side


def test_each_step_halves_the_uncertainty(float64):
    start, end = jnp.zeros(1), jnp.ones(1)
    for steps in (1, 5, 10):
        found = float(boundary(lambda code: code[0] < 0.7, start, end, steps=steps)[0])
        assert 0 <= 0.7 - found <= 0.5**steps
    assert float(boundary(lambda code: code[0] < 2, start, end, steps=10)[0]) == 1 - 0.5**10
