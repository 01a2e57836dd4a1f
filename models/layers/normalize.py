"""Batch normalisation: moments of groups of examples, and the affine map that they and two vectors make."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def batch_moments(
    features: Float[Array, "batch *space channels"], *, group: int
) -> tuple[Float[Array, "groups channels"], Float[Array, "groups channels"]]:
    """Mean and (biased) variance of each channel, over the examples of each ``group`` in turn, and over space.

        μ_gc = mean_{n ∈ g, i} x[n, i, c],   σ²_gc = mean_{n ∈ g, i} (x[n, i, c] − μ_gc)²

    The variance is taken around the mean, not as a difference of squares, so that a mean of 10⁴ costs no digits.
    ``ValueError`` where the batch is no multiple of the group. Ioffe & Szegedy 2015, algorithm 1; groups smaller than
    the batch are the ghost batches of Hoffer et al. 2017.
    """
    if len(features) % group:
        raise ValueError(f"{len(features)} examples cannot be normalised in groups of {group}")
    rows = features.reshape(len(features) // group, -1, features.shape[-1])
    mean = rows.mean(axis=1)
    return mean, jnp.mean((rows - mean[:, None]) ** 2, axis=1)


def normalize(
    features: Float[Array, "batch *space channels"],
    mean: Float[Array, "groups channels"],
    variance: Float[Array, "groups channels"],
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    epsilon: float = 1e-5,
) -> Float[Array, "batch *space channels"]:
    """Features by the moments of their group, example n being of group ⌊n · groups / batch⌋.

        γ_c (x − μ_gc) / √(σ²_gc + ε) + β_c

    Ioffe & Szegedy 2015, algorithm 1; with one group of running statistics, algorithm 2.
    """
    rows = features.reshape(len(mean), -1, features.shape[-1])
    factor = scale * lax.rsqrt(variance + epsilon)
    return ((rows - mean[:, None]) * factor[:, None] + bias).reshape(features.shape)
