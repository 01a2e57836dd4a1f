"""How close an image is to another, and how sharp it is."""

from math import log

import jax.numpy as jnp
from jaxtyping import Array, Float


def peak_signal_to_noise(
    image: Float[Array, "*shape"], other: Float[Array, "*shape"], *, peak: float = 1.0
) -> Float[Array, ""]:
    """PSNR, how close two images are, in decibels; ∞ where they are equal.

        10 log₁₀(peak² / mean_i (x_i − y_i)²)

    Gonzalez & Woods 2008, chapter 8. Lecture 002, "Image denoising".
    """
    return -10 / log(10) * jnp.log(jnp.mean((image - other) ** 2) / peak**2)


def gradient_energy(image: Float[Array, "height width channels"]) -> Float[Array, ""]:
    """How much neighbouring pixels differ: small where an image is blurred, whatever it shows.

        Σ_ij (x_{i+1,j} − x_ij)² + (x_{i,j+1} − x_ij)²

    By Parseval's theorem the image's power, weighed by about the square of its frequency. The energy of a mean of
    images is at most their mean energy, since it is convex. Rudin, Osher & Fatemi 1992, whose total variation is not
    squared; Lecture 003, section 4.2, on blurred means.
    """
    return jnp.sum(jnp.diff(image, axis=0) ** 2) + jnp.sum(jnp.diff(image, axis=1) ** 2)
