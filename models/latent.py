"""What is done in a latent space: samples at a distance from the mode, ways between codes, arithmetic, boundaries.

Everything acts on codes and takes a decoder, where it needs one, as a function: any encoder and decoder will do.
Lectures: 003, section 4.5; 004, "VAE interpolation", "Unlikely samples", "Analogies".
"""

from collections.abc import Callable
from math import lgamma, log

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_OPPOSITE = 1e-6  # below this sin Ω / Ω, no great circle through two directions is determined


def linear_interpolation(
    start: Float[Array, "*shape"], end: Float[Array, "*shape"], fraction: Float[Array, ""]
) -> Float[Array, "*shape"]:
    """The straight way from one code to another, or from one image to another.

        (1 − t) a + t b,   t = fraction

    Halfway between two samples of N(0, I) in many dimensions its norm is √(k/2), where the prior has hardly any mass.
    Lecture 004, "Euclidean interpolation".
    """
    return (1 - fraction) * start + fraction * end


def spherical_interpolation(
    start: Float[Array, " latent"], end: Float[Array, " latent"], fraction: Float[Array, ""]
) -> Float[Array, " latent"]:
    """The way along the great circle: the direction turns at constant speed, the norm changes in proportion.

        ((1 − t)‖a‖ + t‖b‖) · (sin((1 − t)Ω) â + sin(tΩ) b̂) / sin Ω,   t = fraction, Ω the angle of a and b

    Parallel codes are joined by a straight line; so are opposite ones, through 0, because no great circle is
    determined. Shoemake 1985 for unit vectors; White 2016 for the codes of a generative model, where the weights are
    those of the unit vectors and the norm is not kept in proportion. Lecture 004, "VAE interpolation".
    """
    start_norm, end_norm = _norm(start), _norm(end)
    one, other = _direction(start, start_norm), _direction(end, end_norm)
    angle = 2 * jnp.atan2(_norm(one - other), _norm(one + other)) / jnp.pi
    determined = jnp.sinc(angle) > _OPPOSITE
    shrink = jnp.where(determined, jnp.sinc(angle), 1.0)

    def weight(part: Float[Array, ""]) -> Float[Array, ""]:
        return part * jnp.sinc(part * angle) / shrink

    norm = linear_interpolation(start_norm[None], end_norm[None], fraction)
    way = norm * (weight(1 - fraction) * one + weight(fraction) * other)
    return jnp.where(determined, way, linear_interpolation(start, end, fraction))


def _norm(code: Float[Array, " latent"]) -> Float[Array, ""]:
    """‖code‖, with derivative 0 where it is 0."""
    square = jnp.sum(code**2)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)


def _direction(code: Float[Array, " latent"], norm: Float[Array, ""]) -> Float[Array, " latent"]:
    return code / jnp.where(norm > 0, norm, 1.0)


def analogy(
    one: Float[Array, " latent"], without: Float[Array, " latent"], plus: Float[Array, " latent"]
) -> Float[Array, " latent"]:
    """One code without what another has, and with what a third has instead: king − man + woman.

        a − b + c

    Mikolov et al. 2013, for words. Lecture 004, "Analogies".
    """
    return one - without + plus


def on_sphere(draw: Float[Array, " latent"], radius: Float[Array, ""]) -> Float[Array, " latent"]:
    """A code at a given distance from the mode, uniform over directions where ``draw`` is a sample of N(0, I).

        r ε/‖ε‖

    Muller 1959. A radius far beyond √k gives the unlikely samples of Lecture 004.
    """
    return radius * draw / _norm(draw)


def radius_log_density(radius: Float[Array, ""], *, dimensions: int) -> Float[Array, ""]:
    """The log-density of ‖z‖ for z ~ N(0, I_k), in nats: the χ distribution with k degrees of freedom.

        log p(r) = (k − 1) log r − r²/2 − (k/2 − 1) log 2 − log Γ(k/2)

    Its mode is √(k − 1) and its variance stays below ½ for every k: samples lie near a sphere, though the density of z
    is greatest in the centre. −∞ at r = 0, except for k = 1. Bishop 2006, exercise 1.20. Lecture 004, "Unlikely
    samples".
    """
    shape = jax.scipy.special.xlogy(dimensions - 1.0, radius) if dimensions > 1 else jnp.zeros_like(radius)
    return shape - radius**2 / 2 - (dimensions / 2 - 1) * log(2) - lgamma(dimensions / 2)


def boundary(
    is_like_start: Callable[[Float[Array, " latent"]], Bool[Array, ""]],
    start: Float[Array, " latent"],
    end: Float[Array, " latent"],
    *,
    steps: int = 20,
) -> Float[Array, " latent"]:
    """The code between two others at which a decision changes, by bisection of the straight line.

    ``is_like_start(code)`` says whether what is decoded there still counts as what ``start`` decodes to, for instance
    by a classifier; it should hold at ``start`` and not at ``end``. The last point at which it was seen to hold lies
    within 2^−steps of the line's length before a change. Of several changes one is found; without any, ``end`` is
    approached. Lecture 004, "Unlikely samples": what lies on a boundary.
    """

    def halve(ends: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        holds, ceases = ends
        middle = (holds + ceases) / 2
        like_start = is_like_start(middle)
        return (jnp.where(like_start, middle, holds), jnp.where(like_start, ceases, middle)), None

    (holds, _), _ = jax.lax.scan(halve, (start, end), None, length=steps)
    return holds
