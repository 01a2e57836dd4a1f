"""What a trained autoencoder is used for, and how well it does: functions of codes, distances and errors.

Lectures: 000 and 001, "Autoencoders"; 002, "Applications include"; 003, "Applications of autoencoders".
"""

from collections.abc import Callable
from math import log

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from models.layers.cells import cell_centre, cell_membership
from models.layers.nearest import nearest


def peak_signal_to_noise(
    image: Float[Array, "*shape"], other: Float[Array, "*shape"], *, peak: float = 1.0
) -> Float[Array, ""]:
    """PSNR, how close two images are, in decibels; ∞ where they are equal.

        10 log₁₀(peak² / mean_i (x_i − y_i)²)

    Gonzalez & Woods 2008, chapter 8. Lecture 002, "Image
    denoising".
    """
    return -10 / log(10) * jnp.log(jnp.mean((image - other) ** 2) / peak**2)


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


def precision_at_k(
    distances: Float[Array, " stored"], relevant: Float[Array, " stored"], *, k: int
) -> Float[Array, ""]:
    """The share of relevant examples among the k nearest; by chance the share among all.

        1/k Σ_{i among the k nearest} r_i,   r_i = 1 for what is relevant, else 0

    A distance that is NaN counts as the farthest. ``ValueError`` where fewer than k examples are stored. Manning et al.
    2008, section 8.4. Lecture 002, "Image search".
    """
    return jnp.mean(relevant[nearest(distances, k=k)])


def recall_at_k(distances: Float[Array, " stored"], relevant: Float[Array, " stored"], *, k: int) -> Float[Array, ""]:
    """The share of what is relevant that is among the k nearest; by chance k over the number stored.

        Σ_{i among the k nearest} r_i / Σ_i r_i,   r_i = 1 for what is relevant, else 0

    NaN where nothing is relevant; a distance that is NaN counts as the farthest. ``ValueError`` where fewer than k
    examples are stored. Manning et al. 2008, section 8.4. Lecture 002, "Image search".
    """
    return jnp.sum(relevant[nearest(distances, k=k)]) / jnp.sum(relevant)


def roc_auc(normal: Float[Array, " normal"], anomalous: Float[Array, " anomalous"]) -> Float[Array, ""]:
    """The area under the ROC curve of a score that ought to be greater for anomalies; by chance ½.

        P(score of an anomaly > score of a normal example) + ½ P(equal)

    Hanley & McNeil 1982. An autoencoder's score is its reconstruction error. Lectures 002 and 003, "Anomaly detection".
    """
    above = (anomalous[:, None] > normal[None, :]).astype(normal.dtype)
    equal = (anomalous[:, None] == normal[None, :]).astype(normal.dtype)
    return jnp.mean(above + 0.5 * equal)


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
