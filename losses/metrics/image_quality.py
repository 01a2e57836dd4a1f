"""How close an image is to another."""

from math import log

import jax.numpy as jnp
from jaxtyping import Array, Float


def peak_signal_to_noise(
    image: Float[Array, "*shape"], other: Float[Array, "*shape"], *, peak: float = 1.0
) -> Float[Array, ""]:
    """PSNR, how close two images are, in decibels; ∞ where they are equal.

        10 log₁₀(peak² / mean_i (x_i − y_i)²)

    Gonzalez & Woods 2008, chapter 8. Lecture 002, "Image
    denoising".
    """
    return -10 / log(10) * jnp.log(jnp.mean((image - other) ** 2) / peak**2)
