"""What a trained autoencoder is used for, and how well it does: functions of codes, distances and errors.

Lectures: 000 and 001, "Autoencoders"; 002, "Applications include"; 003, "Applications of autoencoders".
"""

from collections.abc import Callable
from math import log

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from models.layers.cells import cell_centre, cell_membership


def quantized(
    code: Float[Array, " latent"], low: Float[Array, " latent"], high: Float[Array, " latent"], *, levels: int
) -> Float[Array, " latent"]:
    """The code as it is after storage in k log₂ L bits: each entry moved to the middle of its cell.

    ``low`` and ``high`` are each dimension's range, ``levels`` the number L of equal cells. Gersho & Gray 1992.
    Lectures 000 and 002, "Image compression".
    """
    return cell_centre(cell_membership(code, low, high, levels=levels), low, high)


def code_bits(
    codes: Float[Array, "examples latent"], low: Float[Array, " latent"], high: Float[Array, " latent"], *, levels: int
) -> Float[Array, " latent"]:
    """What each dimension of the quantised code costs with an entropy coder of its own, in bits per example.

        H_j = −Σ_c p_j(c) log₂ p_j(c),   p_j(c): share of the examples in cell c

    At most log₂ L; the sum over dimensions is the rate of the code, were the dimensions independent. Shannon 1948;
    Gersho & Gray 1992. Lecture 002, "Image compression".
    """
    membership = jax.vmap(lambda code: cell_membership(code, low, high, levels=levels))(codes)
    shares = membership.mean(axis=0)
    return -jnp.sum(jax.scipy.special.xlogy(shares, shares), axis=1) / log(2)


def impute(
    reconstruct: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]],
    image: Float[Array, "*shape"],
    observed: Bool[Array, "*shape"],
    *,
    iterations: int,
) -> Float[Array, "*shape"]:
    """The missing values of an image, from what an autoencoder makes of the image as it is completed so far.

        x_missing ← D(E(x))_missing,   x_observed as it is

    ``image`` holds first guesses where nothing is observed, such as the mean image's. For a projection on a linear
    subspace the fixed point is the point of the subspace nearest to the observed values. Rezende et al. 2014 sample
    from encoder and decoder instead of taking their means. Lecture 002, "Missing value imputation".
    """

    def complete(filled: Array, _: None) -> tuple[Array, None]:
        return jnp.where(observed, image, reconstruct(filled)), None

    filled, _ = jax.lax.scan(complete, image, None, length=iterations)
    return filled
