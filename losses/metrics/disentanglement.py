"""Scores of how far each dimension of a code follows one known factor of the data, and each factor one dimension.

The factors of generated data are known: Int[Array, "examples factors"], each counted from 0. Codes are the posterior
means. Lectures: 003, section 4.5, "Disentanglement"; 004.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.layers.cells import cell_membership
from models.layers.linear_map import ridge_map

_PENALTY = 1e-3  # of the linear classifier, against features that are one another's multiples


def mutual_information(
    codes: Float[Array, "examples latent"], factors: Int[Array, "examples factors"], *, bins: int = 20, values: int
) -> Float[Array, "latent factors"]:
    """I(z_j; v_k) of every dimension of the code and every factor, in nats, by counting.

        Σ_{b, v} p(b, v) log p(b, v) / (p(b) p(v))

    A dimension is cut into ``bins`` cells of equal width between its extremes; ``values`` is the greatest number of
    values that a factor has. Chen et al. 2018 integrate over the posterior instead; cells of the mean code as in
    Locatello et al. 2019. Lecture 003, section 4.5.
    """
    joint = _joint(codes, factors, bins=bins, values=values)
    independent = joint.sum(axis=3, keepdims=True) * joint.sum(axis=2, keepdims=True)
    ratio = jnp.log(jnp.where(joint > 0, joint, 1.0)) - jnp.log(jnp.where(joint > 0, independent, 1.0))
    return jnp.sum(joint * ratio, axis=(2, 3))


def mutual_information_gap(
    codes: Float[Array, "examples latent"], factors: Int[Array, "examples factors"], *, bins: int = 20, values: int
) -> Float[Array, ""]:
    """MIG: by how much the dimension that knows most of a factor is ahead of the second, between 0 and 1.

        mean_k (I(z_first; v_k) − I(z_second; v_k)) / H(v_k)

    1 where one dimension tells each factor and no other says anything of it. ``ValueError`` for a code of one
    dimension. Chen et al. 2018, section 4.1. Lecture 003, section 4.5.
    """
    if codes.shape[1] < 2:
        raise ValueError(f"a gap needs two dimensions at least, got codes of shape {codes.shape}")
    ordered = jnp.sort(mutual_information(codes, factors, bins=bins, values=values), axis=0)
    shares = jax.nn.one_hot(factors, values, dtype=codes.dtype).mean(axis=0)
    entropies = -jnp.sum(jax.scipy.special.xlogy(shares, shares), axis=1)
    return jnp.mean((ordered[-1] - ordered[-2]) / entropies)


def _joint(codes, factors, *, bins, values):
    """Shares of examples in each cell and with each value: [latent, factors, bins, values]."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    in_cell = jax.vmap(lambda code: cell_membership(code, low, high, levels=bins))(codes)
    has_value = jax.nn.one_hot(factors, values, dtype=codes.dtype)
    return jnp.einsum("njb,nkv->jkbv", in_cell, has_value) / len(codes)


def pair_difference(one: Float[Array, "pairs latent"], other: Float[Array, "pairs latent"]) -> Float[Array, " latent"]:
    """What a group of pairs that share one factor says of it: the dimension that follows it hardly differs.

        1/L Σ_l |z_l − z′_l|

    Higgins et al. 2017, section 3. Lecture 003, section 4.5.
    """
    return jnp.mean(jnp.abs(one - other), axis=0)


def beta_vae_score(
    differences: Float[Array, "groups latent"],
    shared: Int[Array, " groups"],
    test_differences: Float[Array, "tests latent"],
    test_shared: Int[Array, " tests"],
    *,
    factors: int,
) -> Float[Array, ""]:
    """How often a linear classifier tells from ``pair_difference`` which factor a group of pairs shares.

    Between 1/factors by chance and 1. The features are divided by their spread, so that a dimension that the decoder
    hardly uses counts as much as another; the classifier is the ridge regression of one-hot targets, where Higgins et
    al. 2017, section 3, descend the cross-entropy. Lecture 003, section 4.5.
    """
    spread = differences.std(axis=0)
    spread = jnp.where(spread > 0, spread, 1.0)
    readout = ridge_map(differences / spread, jax.nn.one_hot(shared, factors, dtype=spread.dtype), penalty=_PENALTY)
    guessed = jnp.argmax(readout(test_differences / spread), axis=1)
    return jnp.mean((guessed == test_shared).astype(spread.dtype))
