"""Schedules in continuous time: their ends, that they fall, and the definitions that each must obey."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from models.layers.log_ratios import SCHEDULES, linear_log_ratio, monotone_fraction
from models.layers.signal_ratios import noise_angle, ratio_of_log

FIRST, LAST = 7.0, -6.0
TIMES = np.linspace(0, 1, 101)


def over_time(schedule):
    return np.asarray(jax.vmap(lambda time: schedule(time, jnp.float64(FIRST), jnp.float64(LAST)))(jnp.asarray(TIMES)))


@pytest.mark.parametrize("name", SCHEDULES)
def test_they_fall_from_end_to_end(name, float64):
    values = over_time(SCHEDULES[name])
    np.testing.assert_allclose(values[[0, -1]], [FIRST, LAST], rtol=1e-9)
    assert (np.diff(values) < 0).all()


def test_the_cosine_turns_evenly(float64):
    angles = noise_angle(ratio_of_log(jnp.asarray(over_time(SCHEDULES["cosine"]))))
    np.testing.assert_allclose(np.diff(angles), np.diff(angles).mean(), rtol=1e-9)


def test_the_linear_one_adds_variance_linearly(float64):
    """−d log ᾱ/dt, by differences, grows linearly in time; and from 0 on it is Song et al.'s."""
    schedule = lambda time: jnp.log1p(jnp.exp(-linear_log_ratio(time, jnp.float64(FIRST), jnp.float64(LAST))))  # noqa: E731
    added = np.asarray(jax.vmap(jax.grad(schedule))(jnp.asarray(TIMES)))
    np.testing.assert_allclose(np.diff(added), np.diff(added).mean(), rtol=1e-7)
    whole, _ = scipy.integrate.quad(lambda time: 0.1 + 19.9 * time, 0, 1)
    end = -np.log(np.expm1(whole))
    half, _ = scipy.integrate.quad(lambda time: 0.1 + 19.9 * time, 0, 0.5)
    found = linear_log_ratio(jnp.float64(0.5), jnp.float64(60.0), jnp.float64(end))
    np.testing.assert_allclose(found, -np.log(np.expm1(half)), rtol=1e-9)


def test_a_fraction_rises_from_0_to_1_whatever_its_parameters(float64):
    rng = np.random.default_rng(0)
    for _ in range(20):
        heights, steepness, places = jnp.asarray(rng.normal(size=(3, 4)) * 2)
        values = np.asarray(
            jax.vmap(lambda time: monotone_fraction(time, heights, steepness, places))(jnp.asarray(TIMES))
        )
        assert values[0] == 0
        np.testing.assert_allclose(values[-1], 1)
        assert (np.diff(values) > 0).all()
