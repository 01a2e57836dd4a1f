"""Information and its averages, in nats; divide by log 2 for bits. Divergences are in ``losses/divergences.py``.

A discrete distribution is an array of probabilities that sum to one, which is not checked. An outcome without
probability adds nothing to an average: 0 log 0 = 0.
"""

from math import log, pi

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float


def self_information(probability: Float[Array, "*events"]) -> Float[Array, "*events"]:
    """What is learnt from each event when it happens, in nats: the rarer, the more.

        I(x) = −log p(x)

    Zero for what is certain, infinite for what is impossible. Shannon 1948; Lecture 004, "Entropy and divergence".
    """
    return -jnp.log(probability)


def entropy(probabilities: Float[Array, " outcomes"]) -> Float[Array, ""]:
    """The average information of a discrete distribution, in nats.

        H(p) = −Σ_x p(x) log p(x),   0 log 0 = 0

    Between 0, where one outcome is certain, and log(outcomes), where all are equally likely. An outcome without
    probability is left out of the gradient as well, where the derivative would be infinite.
    Shannon 1948, section 6; Lecture 004, "Entropy and divergence".
    """
    possible = jnp.where(probabilities == 0, 1.0, probabilities)
    return jnp.sum(probabilities * self_information(possible))


def cross_entropy(
    probabilities: Float[Array, " outcomes"], other_probabilities: Float[Array, " outcomes"]
) -> Float[Array, ""]:
    """The average of q's information over outcomes of p, in nats.

        H(p, q) = −Σ_x p(x) log q(x) = H(p) + KL(p ‖ q),   0 log 0 = 0

    Never below H(p), which it reaches at q = p alone; infinite where q excludes what p does not. As a code: the mean
    length for draws of p under the code that is best for q. Shannon 1948; Lecture 004, "Entropy and divergence".
    """
    absent = (probabilities == 0) & (other_probabilities == 0)
    return jnp.sum(probabilities * self_information(jnp.where(absent, 1.0, other_probabilities)))


def gaussian_entropy(log_variance: Float[Array, " k"]) -> Float[Array, ""]:
    """Entropy of N(m, diag(exp(log_variance))), in nats of density; no mean m changes it.

        ½ Σ_i (1 + log 2π + s_i),   s = log_variance

    Negative for a narrow Gaussian, whose density is above one on (geometric) average. Shannon 1948, section 20.
    """
    return 0.5 * jnp.sum(1 + log(2 * pi) + log_variance)


def multivariate_gaussian_entropy(covariance: Float[Array, "k k"]) -> Float[Array, ""]:
    """Entropy of N(m, Σ), in nats of density; no mean m changes it.

        ½ log det(2πe Σ) = k/2 (1 + log 2π) + Σ_i log L_ii,   Σ = L Lᵀ

    NaN unless Σ is positive definite. Shannon 1948, section 20.
    """
    factor = jnp.linalg.cholesky(covariance)
    return covariance.shape[0] / 2 * (1 + log(2 * pi)) + jnp.sum(jnp.log(jnp.diagonal(factor)))


def multivariate_gaussian_cross_entropy(
    mean: Float[Array, " k"],
    covariance: Float[Array, "k k"],
    other_mean: Float[Array, " k"],
    other_covariance: Float[Array, "k k"],
) -> Float[Array, ""]:
    """The average of −log N(x; m', Σ') over x ~ N(m, Σ), in nats of density.

        ½ (k log 2π + log det Σ' + tr(Σ'⁻¹ Σ) + (m − m')ᵀ Σ'⁻¹ (m − m'))

    With Σ' = L' L'ᵀ and Σ = L Lᵀ the trace is ‖L'⁻¹ L‖², and the last term ‖L'⁻¹ (m − m')‖². Never below the entropy
    of N(m, Σ). NaN unless both covariances are positive definite. Shannon 1948, section 20; Kullback & Leibler 1951.
    """
    factor, other_factor = jnp.linalg.cholesky(covariance), jnp.linalg.cholesky(other_covariance)
    spread = solve_triangular(other_factor, factor, lower=True)
    shift = solve_triangular(other_factor, mean - other_mean, lower=True)
    half_log_determinant = jnp.sum(jnp.log(jnp.diagonal(other_factor)))
    return 0.5 * (mean.shape[0] * log(2 * pi) + jnp.sum(spread**2) + jnp.sum(shift**2)) + half_log_determinant
