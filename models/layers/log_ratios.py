"""Schedules in continuous time: how the log signal-to-noise ratio λ falls over t from 0 to 1, between given ends.

All go from λ(0) = first to λ(1) = last, so that they differ in nothing but the times at which they pass the values
between. ``monotone_fraction`` is the one that can be learnt.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def even_log_ratio(time: Float[Array, ""], first: Float[Array, ""], last: Float[Array, ""]) -> Float[Array, ""]:
    """λ falls evenly:  λ(t) = λ_0 + (λ_1 − λ_0) t.  Kingma et al. 2021, appendix, "fixed linear schedule"."""
    return first + (last - first) * time


def cosine_log_ratio(time: Float[Array, ""], first: Float[Array, ""], last: Float[Array, ""]) -> Float[Array, ""]:
    """The angle between signal and noise grows evenly.

        λ(t) = −2 log tan θ(t),   θ(t) = θ_0 + (θ_1 − θ_0) t,   θ_i = arctan e^{−λ_i/2}

    Nichol & Dhariwal 2021, equation 17, between other ends.
    """
    begin, end = jnp.arctan(jnp.exp(-first / 2)), jnp.arctan(jnp.exp(-last / 2))
    return -2 * jnp.log(jnp.tan(begin + (end - begin) * time))


def linear_log_ratio(
    time: Float[Array, ""], first: Float[Array, ""], last: Float[Array, ""], *, least: float = 0.1, most: float = 20.0
) -> Float[Array, ""]:
    """The variance that is added in a moment grows linearly.

        −log ᾱ = β_0 τ + ½ (β_1 − β_0) τ² = a(τ),   τ(t) = τ_0 + (τ_1 − τ_0) t,   a(τ_i) = log(1 + e^{−λ_i})

    β_0 = ``least``, β_1 = ``most``. Ho et al. 2020, section 4, in the continuous time of Song et al. 2021, "Score-based
    generative modeling through stochastic differential equations", equation 32.
    """
    curvature = (most - least) / 2

    def when(log_ratio: Float[Array, ""]) -> Float[Array, ""]:
        lost = jax.nn.softplus(-log_ratio)
        return 2 * lost / (least + jnp.sqrt(least**2 + 4 * curvature * lost))

    moment = when(first) + (when(last) - when(first)) * time
    lost = least * moment + curvature * moment**2
    return -jnp.log(jnp.expm1(lost))


SCHEDULES = {"even": even_log_ratio, "cosine": cosine_log_ratio, "linear": linear_log_ratio}


def monotone_fraction(
    time: Float[Array, ""],
    heights: Float[Array, " units"],
    steepness: Float[Array, " units"],
    places: Float[Array, " units"],
) -> Float[Array, ""]:
    """A function of time that rises from 0 to 1, whatever its parameters are.

        n(t) = (f(t) − f(0)) / (f(1) − f(0)),   f(t) = t + Σ_k e^{h_k} σ(e^{s_k} (t − p_k))

    Kingma et al. 2021, appendix H.
    """

    def rising(time: Float[Array, ""]) -> Float[Array, ""]:
        return time + jnp.sum(jnp.exp(heights) * jax.nn.sigmoid(jnp.exp(steepness) * (time - places)))

    begin, end = rising(jnp.zeros_like(time)), rising(jnp.ones_like(time))
    return (rising(time) - begin) / (end - begin)
