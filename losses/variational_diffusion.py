"""The variational bound of a diffusion in continuous time: what it costs to say an example, in nats.

    −log p(x) ≤ KL(q(z_1 | x) ‖ N(0, I)) + E[−log p(x | z_0)] + ½ ∫₀¹ −λ'(t) E‖ε − ε̂(z_t, λ_t)‖² dt

z_t = √ᾱ_t x + √(1 − ᾱ_t) ε has the log signal-to-noise ratio λ_t = log ᾱ_t/(1 − ᾱ_t), which falls from λ_0 to λ_1. With
one denoiser the integral is the same for every λ between these ends; how much a draw of it varies is not. Kingma et al.
2021, "Variational diffusion models", sections 4 and 5.
"""

from math import log, pi

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.signal_ratios import ratio_of_log


def prior_nats(example: Float[Array, "*shape"], last: Float[Array, ""]) -> Float[Array, ""]:
    """What is left of an example at the end, in nats.

        KL(N(√ᾱ x, (1 − ᾱ) I) ‖ N(0, I)) = ½ (ᾱ ‖x‖² − D ᾱ − D log(1 − ᾱ)),   ᾱ = 1/(1 + e^−λ_1),   λ_1 = last

    Kingma et al. 2021, equation 12, first term.
    """
    ratio = ratio_of_log(last)
    return (ratio * jnp.sum(example**2) + example.size * (jax.nn.softplus(last) - ratio)) / 2


def reconstruction_nats(first: Float[Array, ""], *, dimensions: int) -> Float[Array, ""]:
    """What an example costs that is seen through the least noise, on average over this noise, in nats.

        E[−log N(x; z_0/√ᾱ, e^−λ_0 I)] = D/2 (1 + log 2π − λ_0),   λ_0 = first

    Kingma et al. 2021, equation 12, second term, for examples of real numbers: their density, so it may be negative.
    """
    return dimensions * (1 + log(2 * pi) - first) / 2


def denoising_nats(
    noise: Float[Array, "*shape"], found: Float[Array, "*shape"], slope: Float[Array, ""]
) -> Float[Array, ""]:
    """What a denoiser misses at one time, in nats: its mean over uniform times is the integral.

        −½ λ'(t) ‖ε − ε̂‖²,   λ'(t) = slope

    Kingma et al. 2021, equation 17.
    """
    return -slope * jnp.sum((noise - found) ** 2) / 2
