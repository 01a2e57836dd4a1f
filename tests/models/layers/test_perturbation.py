"""Projections against brute force, steepest changes against every corner, draws against their distributions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy import stats
from scipy.optimize import minimize

from models.layers.perturbation import (
    RANDOM_WITHIN,
    STEEPEST,
    WITHIN,
    random_within_l2,
    random_within_linf,
    steepest_linf,
    unit_mean,
    within_l2,
    within_linf,
)

CASES = {
    within_linf: Case(options={"radius": 0.7}),
    within_l2: Case(options={"radius": 0.7}),
    random_within_linf: Case(options={"radius": 0.7}),
    random_within_l2: Case(options={"radius": 0.7}),
    steepest_linf: Case(constant_almost_everywhere=True),
}
RNG = np.random.default_rng(0)
ORDERS = {"linf": np.inf, "l2": 2}


@pytest.mark.parametrize("norm", WITHIN)
@pytest.mark.parametrize("far", [0.1, 1.0, 4.0])
def test_no_point_of_the_ball_is_nearer(float64, norm, far):
    """SLSQP on the constraint itself, and 20,000 random points of the ball."""
    center, radius = RNG.normal(size=3), 0.8
    value = center + far * RNG.normal(size=3)
    projected = np.asarray(WITHIN[norm](jnp.asarray(value), jnp.asarray(center), radius=radius))
    assert np.linalg.norm(projected - center, ORDERS[norm]) <= radius + 1e-12
    inside = {
        "linf": lambda y: radius - np.concatenate([y - center, center - y]),
        "l2": lambda y: radius**2 - np.sum((y - center) ** 2),
    }[norm]
    found = minimize(lambda y: np.sum((y - value) ** 2), center, constraints={"type": "ineq", "fun": inside}, tol=1e-14)
    np.testing.assert_allclose(projected, found.x, atol=1e-6)
    points = RNG.uniform(-radius, radius, (20_000, 3))
    points = center + points[np.linalg.norm(points, ORDERS[norm], axis=1) <= radius]
    assert np.linalg.norm(projected - value) <= np.linalg.norm(points - value, axis=1).min() + 1e-12


@pytest.mark.parametrize("norm", WITHIN)
def test_what_is_inside_stays_and_the_centre_too(float64, norm):
    center = jnp.asarray(RNG.normal(size=(2, 3)))
    np.testing.assert_array_equal(WITHIN[norm](center, center, radius=0.5), center)
    near = center + 0.01
    np.testing.assert_allclose(WITHIN[norm](near, center, radius=0.5), near, rtol=1e-14)
    slope = jax.grad(lambda value: WITHIN[norm](value, center, radius=0.5).sum())(center)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("unit", [1e-22, 1.0, 1e20])
def test_the_ball_may_have_any_size(unit):
    """Where squares vanish or overflow in float32, too: 3, 4 and 5 are a right triangle."""
    center, value = jnp.zeros(2), unit * jnp.asarray([3.0, 4.0])
    np.testing.assert_allclose(within_l2(value, center, radius=unit), unit * np.array([0.6, 0.8]), rtol=1e-6)
    np.testing.assert_array_equal(within_l2(value, center, radius=5.1 * unit), value)


@pytest.mark.parametrize("norm", STEEPEST)
def test_no_change_of_length_one_makes_a_linear_function_rise_more(float64, norm):
    gradient = jnp.asarray(RNG.normal(size=6))
    best = gradient @ STEEPEST[norm](gradient)
    dual = {"linf": 1, "l2": 2}[norm]
    np.testing.assert_allclose(best, np.linalg.norm(gradient, dual), rtol=1e-12)
    changes = RNG.uniform(-1, 1, (50_000, 6))
    changes /= np.maximum(1, np.linalg.norm(changes, ORDERS[norm], axis=1, keepdims=True))
    corners = np.stack(np.meshgrid(*6 * [[-1.0, 1.0]]), axis=-1).reshape(-1, 6)
    corners /= np.linalg.norm(corners, ORDERS[norm], axis=1, keepdims=True)
    assert best >= (np.concatenate([changes, corners]) @ gradient).max() - 1e-12


@pytest.mark.parametrize("norm", STEEPEST)
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
def test_a_gradient_that_vanishes_or_explodes_is_no_harm(norm, scale):
    direction = STEEPEST[norm](jnp.float32(scale) * jnp.asarray([3.0, -4.0]))
    expected = {"linf": [1.0, -1.0], "l2": [0.6, -0.8]}[norm]
    np.testing.assert_allclose(direction, np.multiply(expected, scale > 0), rtol=1e-6)


@pytest.mark.parametrize("norm", RANDOM_WITHIN)
def test_random_points_fill_the_ball_evenly(norm):
    """The share of a uniform draw within a smaller ball is the ratio of volumes: its n-th power is uniform."""
    center = jnp.asarray([1.0, -2.0, 0.5])
    keys = jax.random.split(jax.random.key(0), 4000)
    points = jax.vmap(lambda key: RANDOM_WITHIN[norm](key, center, radius=0.3))(keys)
    lengths = np.linalg.norm(np.asarray(points - center, np.float64), ORDERS[norm], axis=1)
    assert lengths.max() <= 0.3 + 1e-6
    assert stats.kstest((lengths / 0.3) ** 3, "uniform").pvalue > 0.01
    np.testing.assert_allclose(points.mean(axis=0), center, atol=0.02)


def test_of_unit_mean_entries_are_1_in_size_on_average_in_the_gradients_direction(float64):
    gradient = RNG.normal(size=(4, 3, 2))
    found = np.asarray(unit_mean(jnp.asarray(gradient)))
    np.testing.assert_allclose(np.abs(found).mean(), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found / np.linalg.norm(found), gradient / np.linalg.norm(gradient), rtol=1e-12)
    np.testing.assert_array_equal(unit_mean(jnp.zeros(3)), np.zeros(3))
