"""Affine maps in closed form: a readout of features, and the passage from one latent space to another.

Two models that were trained apart agree on a few examples that both have encoded, the support set; a linear map that is
fitted there carries all other codes over. Lecture 003, section 4.5.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class LinearMap(NamedTuple):
    """The function  z ↦ z A + b."""

    matrix: Float[Array, "inputs outputs"]
    offset: Float[Array, " outputs"]

    def __call__(self, codes: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        return codes @ self.matrix + self.offset


def ridge_map(
    source: Float[Array, "support inputs"], target: Float[Array, "support outputs"], *, penalty: float
) -> LinearMap:
    """The affine map of least squared error, its matrix shrunk; the offset is free.

        min_{A, b} Σ_n ‖s_n A + b − t_n‖² + λ ‖A‖²_F,   λ = penalty

    One-hot targets make it a linear classifier, which decides for the largest output. Hoerl & Kennard 1970. Lecture
    002, "Feature extraction".
    """
    centred, centred_target, offset = _centred(source, target)
    gram = centred.T @ centred + penalty * jnp.eye(source.shape[1], dtype=source.dtype)
    matrix = jnp.linalg.solve(gram, centred.T @ centred_target)
    return LinearMap(matrix, offset(matrix))


def least_squares_map(source: Float[Array, "support inputs"], target: Float[Array, "support outputs"]) -> LinearMap:
    """The affine map of least squared error from one latent space to another, by their codes of a support set.

        min_{A, b} Σ_n ‖s_n A + b − t_n‖²

    ``ValueError`` for a support set of fewer than inputs + 1 examples, which leaves the map undetermined. Lecture 003,
    section 4.5: "through linear maps, it is possible to pass from one latent space to another".
    """
    if source.shape[0] <= source.shape[1]:
        needed = source.shape[1] + 1
        raise ValueError(f"a map of codes needs a support set of at least {needed} examples, got {source.shape}")
    centred, centred_target, offset = _centred(source, target)
    orthonormal, triangular = jnp.linalg.qr(centred)
    matrix = jnp.linalg.solve(triangular, orthonormal.T @ centred_target)
    return LinearMap(matrix, offset(matrix))


def procrustes_map(source: Float[Array, "support latent"], target: Float[Array, "support latent"]) -> LinearMap:
    """The rotation or reflection, and shift, of least squared error: it keeps all distances between codes.

        min_{RᵀR = I, b} Σ_n ‖s_n R + b − t_n‖²,   R = U Vᵀ  where  Sᵀ T = U Σ Vᵀ  of the centred codes

    Schönemann 1966. Lecture 003, section 4.5.
    """
    centred, centred_target, offset = _centred(source, target)
    left, _, right = jnp.linalg.svd(centred.T @ centred_target)
    rotation = left @ right
    return LinearMap(rotation, offset(rotation))


def _centred(source, target):
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    return source - source_mean, target - target_mean, lambda matrix: target_mean - source_mean @ matrix
