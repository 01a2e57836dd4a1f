"""A step of a diffusion: into noise, and what a network's guess says of the example and of the noise.

Sohl-Dickstein et al. 2015; Ho et al. 2020. Lecture 003, section 4.4.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Predicted = Literal["noise", "clean", "velocity"]


class Estimate(NamedTuple):
    """What a noisy example x_t = √ᾱ x̂_0 + √(1 − ᾱ) ε̂ is taken for."""

    clean: Float[Array, "*shape"]
    """x̂_0"""
    noise: Float[Array, "*shape"]
    """ε̂"""


def diffuse(
    clean: Float[Array, "*shape"], noise: Float[Array, "*shape"], signal_ratio: Float[Array, "#*shape"]
) -> Float[Array, "*shape"]:
    """The example with noise in it:  x_t = √ᾱ x_0 + √(1 − ᾱ) ε.

    Ho et al. 2020, equation 4. Lecture 003, section 4.4.1.
    """
    return jnp.sqrt(signal_ratio) * clean + jnp.sqrt(1 - signal_ratio) * noise


def prediction_target(
    clean: Float[Array, "*shape"],
    noise: Float[Array, "*shape"],
    signal_ratio: Float[Array, "#*shape"],
    *,
    predicted: Predicted,
) -> Float[Array, "*shape"]:
    """What a network is to say of x_t.

        noise: ε     clean: x_0     velocity: √ᾱ ε − √(1 − ᾱ) x_0

    Ho et al. 2020, section 3.2; Salimans & Ho 2022, appendix D. Lecture 003, section 4.4.1, has the noise.
    """
    velocity = diffuse(noise, -clean, signal_ratio)
    return {"noise": noise, "clean": clean, "velocity": velocity}[predicted]


def estimate(
    noisy: Float[Array, "*shape"],
    said: Float[Array, "*shape"],
    signal_ratio: Float[Array, "#*shape"],
    *,
    predicted: Predicted,
    bound: float = jnp.inf,
) -> Estimate:
    """The example and the noise by what a network has said of x_t.

        noise: x̂_0 = (x_t − √(1 − ᾱ) ε̂)/√ᾱ     clean: ε̂ = (x_t − √ᾱ x̂_0)/√(1 − ᾱ)
        velocity: x̂_0 = √ᾱ x_t − √(1 − ᾱ) v̂,   ε̂ = √(1 − ᾱ) x_t + √ᾱ v̂

    An example that is known to lie within ± ``bound`` is brought there, and the noise is what is left then. Ho et al.
    2020, equation 15; Salimans & Ho 2022, appendix D. Lecture 003, section 4.4.2, b.
    """
    signal, deviation = jnp.sqrt(signal_ratio), jnp.sqrt(1 - signal_ratio)
    match predicted:
        case "noise":
            clean, noise = (noisy - deviation * said) / signal, said
        case "clean":
            clean, noise = said, (noisy - signal * said) / deviation
        case "velocity":
            clean, noise = signal * noisy - deviation * said, deviation * noisy + signal * said
    if bound == jnp.inf:
        return Estimate(clean, noise)
    within = jnp.clip(clean, -bound, bound)
    return Estimate(within, (noisy - signal * within) / deviation)


def guide(
    conditional: Float[Array, "*shape"], unconditional: Float[Array, "*shape"], *, guidance: Float[Array, ""] | float
) -> Float[Array, "*shape"]:
    """What is said with a label, carried on beyond what is said without one.

        (1 + w) G(x, c) − w G(x),   w = guidance

    0 is the conditional model, −1 the unconditional one. Ho & Salimans 2022, equation 6, whose w this is.
    """
    return (1 + guidance) * conditional - guidance * unconditional
