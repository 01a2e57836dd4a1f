"""Oracles of schedules in ``train/optimizers.py``: learning rates by hand, and an optimiser that takes them."""

import jax.numpy as jnp
import numpy as np
import pytest
from quadratic_bowl import iterates

from train.optimizers import Optimization, learning_rate_schedule

pytestmark = pytest.mark.usefixtures("float64")


def rates(steps: int, upto: int | None = None, **config) -> np.ndarray:
    schedule = learning_rate_schedule(Optimization(**{"learning_rate": 0.2} | config), steps)
    return np.array([schedule(jnp.float64(t)) for t in range((upto or steps) + 1)])


def test_constant_is_constant():
    np.testing.assert_array_equal(rates(20), np.full(21, 0.2))


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_warm_up_rises_linearly_from_zero_to_the_peak(schedule):
    found = rates(50, schedule=schedule, warmup_steps=8)
    assert found[0] == 0
    assert found[8] == 0.2
    np.testing.assert_allclose(found[:9], 0.2 * np.arange(9) / 8, rtol=1e-14)


@pytest.mark.parametrize("warmup", [0, 4])
def test_step_schedule_falls_exactly_at_each_boundary(warmup):
    found = rates(30, schedule="step", warmup_steps=warmup, decay_steps=(10, 17), decay_factor=0.5)
    np.testing.assert_array_equal(found[warmup:10], np.full(10 - warmup, 0.2))
    np.testing.assert_allclose(found[10:17], np.full(7, 0.1), rtol=1e-15)
    np.testing.assert_allclose(found[17:], np.full(14, 0.05), rtol=1e-15)


@pytest.mark.parametrize("warmup", [0, 6])
def test_cosine_is_half_a_wave_from_the_peak_to_zero_at_the_last_step(warmup):
    found = rates(40, schedule="cosine", warmup_steps=warmup)
    t = np.arange(40 - warmup + 1)
    np.testing.assert_allclose(found[warmup:], 0.1 * (1 + np.cos(np.pi * t / (40 - warmup))), atol=1e-15)
    assert found[warmup] == 0.2
    assert found[40] == 0


def test_cosine_ends_at_its_floor():
    """nanoGPT's: half a wave from the peak down to a tenth of it."""
    found = rates(40, schedule="cosine", warmup_steps=8, learning_rate=1e-3, final_learning_rate=1e-4)
    wave = 0.5 * (1 + np.cos(np.pi * np.arange(32) / 32))
    np.testing.assert_allclose(found[8:40], 1e-4 + wave * 9e-4, rtol=1e-5)


def test_cosine_stays_at_zero_beyond_the_last_step():
    assert (rates(10, upto=30, schedule="cosine")[10:] == 0).all()


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
@pytest.mark.parametrize("warmup", [0, 5])
def test_the_optimizer_follows_its_schedule(schedule, warmup):
    config = {"schedule": schedule, "warmup_steps": warmup, "decay_steps": (8, 12)}
    optimization = Optimization(optimizer="sgd", learning_rate=0.2, **config)
    moves = -np.diff(iterates(optimization, lambda x: np.ones(1), np.zeros(1), 20)[:, 0])
    # Optax counts steps in int32, and a quotient of those may be a float32
    np.testing.assert_allclose(moves, rates(20, **config)[:20], atol=0.2 * 2**-22)
