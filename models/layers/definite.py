"""Systems of equations with a symmetric positive definite matrix, many small ones of which are solved one by one."""

import jax
import jax.numpy as jnp
from jax.custom_batching import sequential_vmap
from jax.lax.linalg import triangular_solve
from jaxtyping import Array, Float


def definite_solve(matrix: Float[Array, "n n"], right: Float[Array, "n columns"]) -> Float[Array, "n columns"]:
    """X = A⁻¹ B by A = L Lᵀ, NaN where A is not symmetric positive definite.

    Its differential A⁻¹ (dB − dA X) and the transpose of that are solved with the same L. Mapped over a batch, the
    factorisations and the solves are a loop: with jaxlib 0.10.2 a training with batched ones came to a standstill on
    two cores. Cholesky: Benoit 1924.
    """
    lower = _factor(jax.lax.stop_gradient(matrix))
    return jax.lax.custom_linear_solve(
        lambda solution: matrix @ solution, right, lambda _, given: _substituted(lower, given), symmetric=True
    )


@sequential_vmap
def _factor(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    return jnp.linalg.cholesky(matrix)


@sequential_vmap
def _substituted(lower: Float[Array, "n n"], right: Float[Array, "n columns"]) -> Float[Array, "n columns"]:
    """L⁻ᵀ L⁻¹ B."""
    forward = triangular_solve(lower, right, left_side=True, lower=True)
    return triangular_solve(lower, forward, left_side=True, lower=True, transpose_a=True)
