"""Oracles of momentum in ``train/optimizers.py``: powers of matrices on a quadratic bowl, recursions in NumPy."""

import numpy as np
import pytest
from quadratic_bowl import CLOSE, ETA, MU, STEPS, bowl, iterates, recursion

from train.optimizers import Optimization

pytestmark = pytest.mark.usefixtures("float64")


def test_momentum_is_the_heavy_balls_matrix_power_along_each_eigenvector():
    A, x0 = bowl()
    eigenvalues, vectors = np.linalg.eigh(A)
    found = iterates(Optimization(optimizer="momentum", learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    for value, vector in zip(eigenvalues, vectors.T, strict=True):
        # (v, z) ← (μv + λz, z − η(μv + λz))
        one_step = np.array([[MU, value], [-ETA * MU, 1 - ETA * value]])
        expected = [(np.linalg.matrix_power(one_step, t) @ [0.0, vector @ x0])[1] for t in range(STEPS + 1)]
        np.testing.assert_allclose(found @ vector, expected, **CLOSE)


def test_momentum_is_the_heavy_ball():
    A, x0 = bowl()

    def rule(x, g, v, t):
        v = g if v is None else MU * v + g
        return x - ETA * v, v

    found = iterates(Optimization(optimizer="momentum", learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, recursion(rule, lambda x: A @ x, x0), **CLOSE)


def test_nesterov_takes_the_gradient_where_the_momentum_will_lead():
    """In Sutskever's form the gradient is taken at y + μv; our iterates are those points x = y + μv."""
    A, x0 = bowl()
    y, v, expected = x0, np.zeros(4), [x0]
    for _ in range(STEPS):
        v = MU * v - ETA * A @ (y + MU * v)
        y = y + v
        expected.append(y + MU * v)
    found = iterates(Optimization(optimizer="nesterov", learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, expected, **CLOSE)


RATE_INSIDE = {"momentum": "classical_momentum", "nesterov": "nesterov_accelerated_gradient"}


def powers(one_step, x0):
    """(v, x) from (0, x0), before each step and after the last."""
    start = np.r_[np.zeros(4), x0]
    return np.stack([np.linalg.matrix_power(one_step, t) @ start for t in range(STEPS + 1)])


@pytest.mark.parametrize("rule", ["momentum", RATE_INSIDE["momentum"]])
def test_momentum_is_the_power_of_its_companion_matrix(rule):
    """v ← μv − ηAx,  x ← x + v: one matrix on (v, x) in ℝ⁸."""
    A, x0 = bowl()
    identity = np.eye(4)
    one_step = np.block([[MU * identity, -ETA * A], [MU * identity, identity - ETA * A]])
    found = iterates(Optimization(optimizer=rule, learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, powers(one_step, x0)[:, 4:], **CLOSE)


@pytest.mark.parametrize("rule", ["nesterov", RATE_INSIDE["nesterov"]])
def test_nesterov_is_the_power_of_its_companion_matrix(rule):
    """v ← μv − ηA(y + μv),  y ← y + v: one matrix on (v, y) in ℝ⁸; the iterates are x = y + μv."""
    A, x0 = bowl()
    identity = np.eye(4)
    velocity = np.hstack([MU * (identity - ETA * A), -ETA * A])
    one_step = np.vstack([velocity, velocity + np.hstack([0 * identity, identity])])
    expected = powers(one_step, x0)
    found = iterates(Optimization(optimizer=rule, learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, expected[:, 4:] + MU * expected[:, :4], **CLOSE)


DROP, FACTOR = 15, 0.2
FALLING = {"learning_rate": ETA, "momentum": MU, "schedule": "step", "decay_steps": (DROP,), "decay_factor": FACTOR}


def falling_rate(t):
    """Of step t, counted from 1 as ``recursion`` does; the schedule counts from 0."""
    return ETA if t <= DROP else ETA * FACTOR


def test_momentum_sums_gradients_and_classical_momentum_sums_steps():
    A, x0 = bowl()

    def of_gradients(x, g, v, t):
        v = g if v is None else MU * v + g
        return x - falling_rate(t) * v, v

    def of_steps(x, g, v, t):
        v = -falling_rate(t) * g if v is None else MU * v - falling_rate(t) * g
        return x + v, v

    for name, rule in (("momentum", of_gradients), ("classical_momentum", of_steps)):
        found = iterates(Optimization(optimizer=name, **FALLING), lambda x: A @ x, x0)
        np.testing.assert_allclose(found, recursion(rule, lambda x: A @ x, x0), **CLOSE)


def test_nesterov_sums_gradients_and_nesterov_accelerated_gradient_sums_steps():
    """The second as in the paper, with the gradient at θ + μv, where our iterates are."""
    A, x0 = bowl()
    x, v, of_gradients = x0, np.zeros(4), [x0]
    for t in range(1, STEPS + 1):
        gradient = A @ x
        v = MU * v + gradient
        x = x - falling_rate(t) * (gradient + MU * v)
        of_gradients.append(x)
    theta, v, of_steps = x0, np.zeros(4), [x0]
    for t in range(1, STEPS + 1):
        v = MU * v - falling_rate(t) * A @ (theta + MU * v)
        theta = theta + v
        of_steps.append(theta + MU * v)
    for name, expected in (("nesterov", of_gradients), ("nesterov_accelerated_gradient", of_steps)):
        found = iterates(Optimization(optimizer=name, **FALLING), lambda x: A @ x, x0)
        np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize(("rule", "power"), [("momentum", 1), ("nesterov", 2)])
def test_where_the_rate_falls_the_sum_of_steps_coasts_on(rule, power):
    """Until then both forms agree. Then the velocity −ηv of before is scaled down with the rate or is not: the first
    step differs by (1 − factor) μη v, and by μ times as much for nesterov, whose iterates look one step ahead."""
    A, x0 = bowl()
    of_gradients = iterates(Optimization(optimizer=rule, **FALLING), lambda x: A @ x, x0)
    of_steps = iterates(Optimization(optimizer=RATE_INSIDE[rule], **FALLING), lambda x: A @ x, x0)
    np.testing.assert_allclose(of_gradients[: DROP + 1], of_steps[: DROP + 1], **CLOSE)
    summed = sum(MU ** (DROP - 1 - t) * A @ of_gradients[t] for t in range(DROP))
    expected = (1 - FACTOR) * MU**power * ETA * summed
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose((of_gradients - of_steps)[DROP + 1], expected, rtol=1e-12, atol=1e-14)
