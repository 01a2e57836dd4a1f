"""Normalisation: features by their moments, over the examples of a batch or over the units of one example."""

from typing import NamedTuple

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
    if features.shape[0] % group:
        raise ValueError(f"{features.shape[0]} examples cannot be normalised in groups of {group}")
    grouped = features.reshape(-1, group, *features.shape[1:])
    over = tuple(range(1, grouped.ndim - 1))
    mean = grouped.mean(over, keepdims=True)
    return mean.reshape(-1, features.shape[-1]), jnp.mean((grouped - mean) ** 2, over)


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
    grouped = features.reshape(len(mean), -1, *features.shape[1:])
    factor = scale * lax.rsqrt(variance + epsilon)
    mean, factor = (lax.expand_dims(each, range(1, grouped.ndim - 1)) for each in (mean, factor))
    return ((grouped - mean) * factor + bias).reshape(features.shape)


class RunningMoments(NamedTuple):
    """How running statistics follow the moments s of the batches:  r ← decay·r + (1 − decay)·s."""

    decay: float
    """Flax calls it momentum; PyTorch's momentum is 1 − decay"""
    unbiased: bool
    """whether s is the sum of squared deviations divided by n − 1, instead of n as in the normalisation itself"""


PYTORCH = RunningMoments(decay=0.9, unbiased=True)
"""From (mean, variance) = (0, 1), after a batch [0, 2]: (0.1, 1.1)."""
FLAX = RunningMoments(decay=0.99, unbiased=False)
"""From (mean, variance) = (0, 1), after a batch [0, 2]: (0.01, 1.0)."""


def unbiased_variance(variance: Float[Array, "*shape"], *, count: int) -> Float[Array, "*shape"]:
    """What the variance of ``count`` values is expected to be where they come from.

        σ² n / (n − 1)

    ``ValueError`` for one value, which says nothing of it. Ioffe & Szegedy 2015, algorithm 2, step 10.
    """
    if count < 2:
        raise ValueError(f"the unbiased variance needs at least 2 values, got {count}")
    return variance * (count / (count - 1))


def layer_normalize(
    features: Float[Array, "*leading channels"],
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    axes: int = 1,
    groups: int = 1,
    epsilon: float = 1e-5,
) -> Float[Array, "*leading channels"]:
    """Features by the moments of the last ``axes`` axes, each example for itself, in training and inference alike.

        γ_c (x − μ) / √(σ² + ε) + β_c,   μ = mean x,   σ² = mean (x − μ)²

    Moments are over the channels of a token (``axes`` 1), or over an image (3). With ``groups`` > 1 the channels fall
    into so many blocks with moments of their own: group normalisation, and with one channel in each, instance
    normalisation. The variance is taken around the mean, so that a mean of 10⁴ costs no digits. ``ValueError`` where
    axes or groups do not fit. PyTorch's ``LayerNorm`` over an image has a γ and β for every pixel instead.

    Ba et al. 2016, equations 3 and 4; Wu & He 2018; Ulyanov et al. 2016.
    """
    channels = features.shape[-1]
    if not 1 <= axes <= features.ndim or channels % groups:
        raise ValueError(f"{features.shape} has no {axes} axes to normalise over in {groups} groups of channels")
    space = tuple(range(features.ndim - axes, features.ndim - 1))

    def mean(values: Array) -> Array:
        """For each channel that of its group; space first, so that no large array has blocks of few channels."""
        of_channels = values.mean(axis=space, keepdims=True)
        blocks = of_channels.reshape(*of_channels.shape[:-1], groups, channels // groups)
        return jnp.broadcast_to(blocks.mean(axis=-1, keepdims=True), blocks.shape).reshape(of_channels.shape)

    centred = features - mean(features)
    return centred * lax.rsqrt(mean(centred**2) + epsilon) * scale + bias
