"""Invertible 1×1 convolution: all channels of a place mixed by one square matrix, kept as its triangular factors.

The determinant is read from a diagonal, and the inverse takes two triangular systems. Kingma & Dhariwal 2018 (Glow),
section 3.2.
"""

from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import lu, solve_triangular
from jaxtyping import Array, Float


class TriangularFactors(NamedTuple):
    """W = P L (U + diag(σ exp(d))),  L with ones on its diagonal, U with zeros; only P and σ are not learned."""

    permutation: Float[Array, "channels channels"]
    lower: Float[Array, "channels channels"]
    upper: Float[Array, "channels channels"]
    signs: Float[Array, " channels"]
    log_diagonal: Float[Array, " channels"]


def factor_matrix(matrix: Float[Array, "channels channels"]) -> TriangularFactors:
    """The factors of an invertible matrix, by Gaussian elimination with row exchanges.

        W = P L (U + diag(σ exp(d)))

    Kingma & Dhariwal 2018, equation 10, where W starts as a random rotation.
    """
    permutation, lower, upper = lu(matrix)
    diagonal = jnp.diagonal(upper)
    strictly = jnp.tril(lower, -1), jnp.triu(upper, 1)
    return TriangularFactors(permutation, *strictly, jnp.sign(diagonal), jnp.log(jnp.abs(diagonal)))


def mixing_matrix(factors: TriangularFactors) -> Float[Array, "channels channels"]:
    """The matrix of these factors; what stands in L and U outside of their triangles is not looked at.

        W = P L (U + diag(σ exp(d)))

    Kingma & Dhariwal 2018, equation 10.
    """
    lower, upper = _triangles(factors)
    return factors.permutation @ lower @ upper


def mix_channels(
    value: Float[Array, "*space channels"], factors: TriangularFactors
) -> tuple[Float[Array, "*space channels"], Float[Array, ""]]:
    """The channels of every place times the matrix, and the logarithm of the Jacobian's determinant.

        y_i = W x_i;      log |det ∂y/∂x| = n Σ_c d_c,   n places

    Kingma & Dhariwal 2018, equations 9 and 11.
    """
    return value @ mixing_matrix(factors).T, prod(value.shape[:-1]) * jnp.sum(factors.log_diagonal)


def unmix_channels(
    value: Float[Array, "*space channels"], factors: TriangularFactors
) -> tuple[Float[Array, "*space channels"], Float[Array, ""]]:
    """The inverse of ``mix_channels``, and its own log-determinant.

        x_i = (U + diag(σ exp(d)))⁻¹ L⁻¹ Pᵀ y_i;      log |det ∂x/∂y| = −n Σ_c d_c

    Kingma & Dhariwal 2018, section 3.2.
    """
    lower, upper = _triangles(factors)
    inverse = solve_triangular(upper, solve_triangular(lower, factors.permutation.T, lower=True, unit_diagonal=True))
    return value @ inverse.T, -prod(value.shape[:-1]) * jnp.sum(factors.log_diagonal)


def _triangles(factors: TriangularFactors) -> tuple[jax.Array, jax.Array]:
    unit = jnp.eye(len(factors.signs), dtype=factors.lower.dtype)
    diagonal = jnp.diag(factors.signs * jnp.exp(factors.log_diagonal))
    return jnp.tril(factors.lower, -1) + unit, jnp.triu(factors.upper, 1) + diagonal
