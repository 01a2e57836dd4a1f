"""The learnt noise schedule: a log signal-to-noise ratio that falls over time, by parameters.

Kingma et al. 2021, "Variational diffusion models", section 4 and appendix H.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.log_ratios import even_log_ratio, monotone_fraction


class NoiseSchedule(NamedTuple):
    """The parameters of ``learned_log_ratio``."""

    ends: Float[Array, "2"]
    """λ at time 0 and at time 1"""
    heights: Float[Array, " units"]
    """logarithms of how far each sigmoid rises"""
    steepness: Float[Array, " units"]
    """logarithms of how steep they are"""
    places: Float[Array, " units"]
    """times at which they are steepest"""


def even_schedule(*, first: float, last: float, units: int) -> NoiseSchedule:
    """A schedule to begin with, nearly even. Kingma et al. 2021, appendix H, begins likewise."""
    ends, places = jnp.array([first, last], jnp.float32), jnp.linspace(0, 1, units, dtype=jnp.float32)
    return NoiseSchedule(ends, jnp.full_like(places, -4), jnp.full_like(places, 2), places)


def learned_log_ratio(schedule: NoiseSchedule, time: Float[Array, ""]) -> Float[Array, ""]:
    """λ(t) = λ_0 + (λ_1 − λ_0) n(t), where n rises from 0 to 1. Kingma et al. 2021, appendix H."""
    _, *rising = schedule
    return even_log_ratio(monotone_fraction(time, *rising), *schedule.ends)
