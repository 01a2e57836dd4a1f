"""From a noisy example to a less noisy one: the steps that samplers are made of.

Each takes the noisy example, its ratio, the next, greater one, standard normal noise, and the function ``estimate(x, ᾱ)
→ Estimate``, and gives the example at the next ratio. The next ratio of the last step is 1.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.diffusion import Estimate, diffuse
from models.layers.signal_ratios import noise_deviation

EstimateOf = Callable[[Array, Array], Estimate]
Step = Callable[..., Array]


def reinjecting_step(
    noisy: Float[Array, "*shape"],
    ratio: Float[Array, ""],
    after: Float[Array, ""],
    noise: Float[Array, "*shape"],
    *,
    estimate: EstimateOf,
    reinjected: Literal["predicted", "fresh"],
) -> Float[Array, "*shape"]:
    """The lecture's step, in both readings of its ε: the noise that the network has found, or another.

        x' = √ᾱ' x̂_0 + √(1 − ᾱ') ε̂     or     √ᾱ' x̂_0 + √(1 − ᾱ') ε,   ε ~ N(0, I)

    With what was found it is DDIM's step, and draws nothing. Lecture 003, section 4.4.2, c.
    """
    found = estimate(noisy, ratio)
    return diffuse(found.clean, found.noise if reinjected == "predicted" else noise, after)


def ddpm_step(
    noisy: Float[Array, "*shape"],
    ratio: Float[Array, ""],
    after: Float[Array, ""],
    noise: Float[Array, "*shape"],
    *,
    estimate: EstimateOf,
    variance: Literal["lower", "upper"],
) -> Float[Array, "*shape"]:
    """A draw of x' given x_t and x̂_0.

        √ᾱ' β/(1 − ᾱ) x̂_0 + √α (1 − ᾱ')/(1 − ᾱ) x_t + σ ε,   α = ᾱ/ᾱ',   β = 1 − α
        σ²  lower: β (1 − ᾱ')/(1 − ᾱ),  right where all examples are one     upper: β,  right where they are N(0, I)

    Nothing is added in the last step. Ho et al. 2020, equation 7, and section 3.2 of the two variances.
    """
    kept = ratio / after
    added = 1 - kept
    found = estimate(noisy, ratio)
    mean = (jnp.sqrt(after) * added * found.clean + jnp.sqrt(kept) * (1 - after) * noisy) / (1 - ratio)
    of_posterior = added * (1 - after) / (1 - ratio)
    deviation = _root(of_posterior if variance == "lower" else jnp.where(after < 1, added, 0))
    return mean + deviation * noise


def ddim_step(
    noisy: Float[Array, "*shape"],
    ratio: Float[Array, ""],
    after: Float[Array, ""],
    noise: Float[Array, "*shape"],
    *,
    estimate: EstimateOf,
    eta: float,
) -> Float[Array, "*shape"]:
    """A step that may leave ratios out, of which the share η² of DDPM's variance is drawn anew.

        √ᾱ' x̂_0 + √(1 − ᾱ' − σ²) ε̂ + σ ε,   σ² = η² (1 − ᾱ')/(1 − ᾱ) (1 − ᾱ/ᾱ')

    η 0 draws nothing, η 1 is ``ddpm_step`` of the lower variance. Song et al. 2021, equations 12 and 16.
    """
    found = estimate(noisy, ratio)
    variance = eta**2 * (1 - after) / (1 - ratio) * (1 - ratio / after)
    kept = _root(jnp.maximum(1 - after - variance, 0)) * found.noise
    return jnp.sqrt(after) * found.clean + kept + _root(variance) * noise


def heun_step(
    noisy: Float[Array, "*shape"],
    ratio: Float[Array, ""],
    after: Float[Array, ""],
    noise: Float[Array, "*shape"],
    *,
    estimate: EstimateOf,
) -> Float[Array, "*shape"]:
    """A step of second order along the curve that a noisy example follows: the slope is a mean of both ends'.

        z = x/√ᾱ,   dz/dσ = ε̂,   z' = z + (σ' − σ)(ε̂(z, σ) + ε̂(z + (σ' − σ) ε̂, σ'))/2

    At σ' = 0 the slope of the first end is taken. It draws nothing, and asks the network twice. Karras et al. 2022,
    algorithm 1.
    """
    del noise
    change = noise_deviation(after) - noise_deviation(ratio)
    first = estimate(noisy, ratio).noise
    scaled = noisy / jnp.sqrt(ratio)
    there = jnp.where(after < 1, after, ratio)
    second = estimate(jnp.sqrt(there) * (scaled + change * first), there).noise
    slope = jnp.where(after < 1, (first + second) / 2, first)
    return jnp.sqrt(after) * (scaled + change * slope)


def _root(variance: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The square root, with a gradient of 0 where it is 0, as behind the last step."""
    return jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1)), 0)


STEPS: dict[str, Step] = {
    "lecture": partial(reinjecting_step, reinjected="predicted"),
    "lecture_fresh": partial(reinjecting_step, reinjected="fresh"),
    "ddpm": partial(ddpm_step, variance="lower"),
    "ddpm_upper": partial(ddpm_step, variance="upper"),
    "ddim": ddim_step,
    "heun": heun_step,
}
"""By name; ``ddim`` needs ``eta`` besides."""
