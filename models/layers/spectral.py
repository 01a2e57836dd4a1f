"""Spectral normalisation: a kernel divided by its largest singular value, which power iteration follows."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


class SpectralNorm(NamedTuple):
    """The largest singular value of a matrix, as well as it is known, and the right vector that goes with it."""

    value: Float[Array, ""]
    right: Float[Array, " outputs"]


def top_right_vector(kernel: Float[Array, "*window outputs"]) -> Float[Array, " outputs"]:
    """The unit vector that the kernel, its rows all but the last axis, stretches most, by singular value decomposition.

    From it the first iteration is exact, whatever the gap between the singular values; from a random vector σ is too
    small for hundreds of steps. Golub & Van Loan 2013, section 2.4.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    return jnp.linalg.svd(matrix, full_matrices=False)[2][0]


def spectral_norm(
    kernel: Float[Array, "*window outputs"], right: Float[Array, " outputs"], *, iterations: int = 1
) -> SpectralNorm:
    """The largest singular value σ of a kernel W, from power iteration that begins at ``right``.

        u ← W v / ‖W v‖,   v ← Wᵀ u / ‖Wᵀ u‖,   σ = uᵀ W v

    Rows of the matrix are all axes but the last. Its gradient is u vᵀ, of a σ whose vectors stand still. A σ is never
    above the true one; of a kernel of zeros it is 0. Miyato et al. 2018, algorithm 1.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    still = lax.stop_gradient(matrix)
    right = lax.stop_gradient(right)
    for _ in range(iterations):
        left = _unit(still @ right)
        right = _unit(left @ still)
    return SpectralNorm(left @ matrix @ right, right)


def _unit(vector: Float[Array, " n"]) -> Float[Array, " n"]:
    return vector / jnp.maximum(jnp.linalg.norm(vector), jnp.finfo(vector.dtype).tiny)
