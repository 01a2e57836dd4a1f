"""The learnt schedule begins evenly, falls, and keeps its ends whatever lies between them."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case

from models.noise_schedule import NoiseSchedule, even_schedule, learned_log_ratio


def schedule_and_time(rng):
    return NoiseSchedule(np.array([5.0, -5.0]), *rng.normal(size=(3, 4))), np.asarray(rng.uniform())


CASES = {learned_log_ratio: Case(schedule_and_time)}


def test_it_begins_evenly_and_falls_between_its_ends():
    schedule, times = even_schedule(first=6.0, last=-4.0, units=8), jnp.linspace(0, 1, 51)
    over_time = jax.vmap(learned_log_ratio, (None, 0))
    np.testing.assert_allclose(over_time(schedule, times), np.linspace(6, -4, 51), atol=0.1)
    other = schedule._replace(heights=jnp.linspace(-2, 2, 8), steepness=jnp.full(8, 4.0))
    values = np.asarray(over_time(other, times))
    np.testing.assert_allclose(values[[0, -1]], [6, -4], rtol=1e-6)
    assert (np.diff(values) < 0).all()
    assert np.abs(values - np.linspace(6, -4, 51)).max() > 0.5
