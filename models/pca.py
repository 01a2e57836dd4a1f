"""Principal component analysis: the best linear code of a given size, in closed form.

Pearson 1901; Hotelling 1933. Lectures: 000 and 001, "Linear autoencoder"; 002, part 5.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


class PCA(NamedTuple):
    """The mean, orthonormal directions of falling variance, and the variance along each."""

    mean: Float[Array, " features"]
    components: Float[Array, "components features"]
    variances: Float[Array, " components"]


def fit_pca(data: Float[Array, "examples features"], *, components: int) -> PCA:
    """The directions of greatest variance: the leading eigenvectors of the covariance.

        C = 1/(N − 1) Σ_n (x_n − m)(x_n − m)ᵀ,   C w_i = λ_i w_i,   λ_1 ≥ λ_2 ≥ …

    A component's sign is such that its entry of largest absolute value is positive. ``ValueError`` where more
    components are asked for than there are features, or fewer than two examples are given. Hotelling 1933; Lecture
    000, "Linear autoencoder".
    """
    examples, features = data.shape
    if not 0 < components <= features or examples < 2:
        raise ValueError(f"no {components} components of data of shape {data.shape}: at most {features}, of 2 examples")
    mean = jnp.mean(data, axis=0)
    centred = data - mean
    variances, directions = jnp.linalg.eigh(centred.T @ centred / (examples - 1))
    leading = directions.T[::-1][:components]
    largest = jnp.take_along_axis(leading, jnp.argmax(jnp.abs(leading), axis=1)[:, None], axis=1)
    return PCA(mean, leading * jnp.sign(largest), variances[::-1][:components])


def project(pca: PCA, example: Float[Array, " features"]) -> Float[Array, " components"]:
    """The code of an example.

        z = W (x − m)

    Hotelling 1933.
    """
    return pca.components @ (example - pca.mean)


def reconstruct(pca: PCA, code: Float[Array, " components"]) -> Float[Array, " features"]:
    """The example of a code: of all linear maps from a code of this size the one of least squared error.

        x̂ = m + Wᵀ z

    Pearson 1901; Eckart & Young 1936.
    """
    return pca.mean + code @ pca.components


def sample_code(key: Key[Array, ""], pca: PCA) -> Float[Array, " components"]:
    """A code drawn from the Gaussian with the data's variances, to be reconstructed into a new example.

        z_i ~ N(0, λ_i)

    Tipping & Bishop 1999, without the noise outside of the subspace. Lecture 002, part 5.
    """
    noise = jax.random.normal(key, pca.variances.shape, pca.variances.dtype)
    return jnp.sqrt(jnp.maximum(pca.variances, 0.0)) * noise


def largest_principal_angle(
    one: Float[Array, "dimensions features"], other: Float[Array, "dimensions features"]
) -> Float[Array, ""]:
    """The greatest angle between the spans of two sets of rows, in radians: 0 where they span the same, at most π/2.

        sin θ = ‖Q_1 − Q_1 Q_2ᵀ Q_2‖₂,   Q orthonormal rows of each span

    The sine, unlike the cosine, tells small angles from 0. Björck & Golub 1973, equation 13.
    """
    first, second = (jnp.linalg.qr(rows.T)[0] for rows in (one, other))
    outside = first - second @ (second.T @ first)
    return jnp.arcsin(jnp.clip(jnp.linalg.norm(outside, ord=2), 0.0, 1.0))
