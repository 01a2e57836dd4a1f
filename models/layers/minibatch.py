"""What a discriminator sees of several examples at once: statistics of a group, distances within it, and packs."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def grouped(features: Float[Array, " batch *shape"], *, group: int) -> Float[Array, "groups {group} *shape"]:
    """Consecutive examples in groups; ``ValueError`` where the batch is no multiple of one. Lin et al. 2018."""
    if features.shape[0] % group:
        raise ValueError(f"{features.shape[0]} examples cannot be taken in groups of {group}")
    return features.reshape(-1, group, *features.shape[1:])


def minibatch_deviation(
    features: Float[Array, " batch *shape"], *, group: int, epsilon: float = 1e-8
) -> Float[Array, "batch 1"]:
    """How much the examples of a group differ: one number, which each of them is given.

        s_g = mean_j √(mean_{n ∈ g} (x_nj − mean_{m ∈ g} x_mj)² + ε)

    √ε where all are equal, as after a collapse. ``ValueError`` where the batch is no multiple of the group. Karras et
    al. 2018, section 3.
    """
    groups = grouped(features, group=group)
    variance = jnp.mean((groups - groups.mean(axis=1, keepdims=True)) ** 2, axis=1)
    deviation = jnp.sqrt(variance + epsilon).reshape(len(groups), -1).mean(axis=1)
    return jnp.repeat(deviation, group)[:, None]


def minibatch_closeness(
    features: Float[Array, "batch inputs"], tensor: Float[Array, "inputs kernels dims"], *, group: int
) -> Float[Array, "batch kernels"]:
    """How close an example is to the others of its group, in the L1 distance of several learned projections.

        M_n = x_n T,   o_nk = Σ_{m ∈ g, m ≠ n} exp(−‖M_nk − M_mk‖₁)

    0 for an example far from all, group − 1 where all are equal. ``ValueError`` where the batch is no multiple of the
    group. Salimans et al. 2016, section 3.2; the example itself, which would add 1, is left out.
    """
    projected = grouped(jnp.tensordot(features, tensor, axes=1), group=group)
    difference = projected[:, :, None] - projected[:, None]
    distances = jnp.sum(difference * jnp.sign(difference), axis=-1)  # whose slope at 0 is 0
    others = 1 - jnp.eye(group, dtype=features.dtype)
    return jnp.einsum("gnmk,nm->gnk", jnp.exp(-distances), others).reshape(features.shape[0], -1)


def pack(features: Float[Array, "batch *space channels"], *, size: int) -> Float[Array, "packs *space packed"]:
    """Consecutive examples side by side in one, along the last axis: points [2] as [2 size], images by channel.

    A discriminator that judges ``size`` examples at once sees that they are too alike. ``ValueError`` where the batch
    is no multiple of it. Lin et al. 2018, section 2.
    """
    packs = jnp.moveaxis(grouped(features, group=size), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)


def spread(judged: Float[Array, " packs"], *, size: int) -> Float[Array, " batch"]:
    """What is said of a pack, for each of its examples; the mean stays. Lin et al. 2018, section 2."""
    return jnp.repeat(judged, size)
