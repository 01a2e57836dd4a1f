"""Divergences between distributions, in nats; divide by log 2 for bits. Entropies are in ``losses/information.py``."""

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float


def kl_divergence(
    probabilities: Float[Array, " outcomes"], other_probabilities: Float[Array, " outcomes"]
) -> Float[Array, ""]:
    """KL(p ‖ q) of discrete distributions, in nats: p's cross-entropy with q, less its entropy.

        Σ_x p(x) log(p(x) / q(x)) = H(p, q) − H(p),   0 log 0 = 0

    Zero exactly where p = q, positive elsewhere; not symmetric; infinite where q excludes what p does not. Outcomes
    that p excludes are left out of the sum and of its gradient. Probabilities must sum to one, which is not checked.
    Kullback & Leibler 1951; Lecture 004, "Entropy and divergence"; Lecture 000, "KL divergence".
    """
    excluded = probabilities == 0
    p, q = (jnp.where(excluded, 1.0, each) for each in (probabilities, other_probabilities))
    return jnp.sum(probabilities * (jnp.log(p) - jnp.log(q)))


def jensen_shannon_divergence(
    probabilities: Float[Array, " outcomes"], other_probabilities: Float[Array, " outcomes"]
) -> Float[Array, ""]:
    """JSD(p, q) of discrete distributions, in nats: symmetric, and at most log 2, where they have no outcome in common.

        ½ KL(p ‖ m) + ½ KL(q ‖ m),   m = (p + q)/2

    A discriminator that knows both wins 2 JSD(p, q) − log 4 of the minimax game. Lin 1991; Goodfellow et al. 2014,
    theorem 1.
    """
    mixture = (probabilities + other_probabilities) / 2
    return 0.5 * (kl_divergence(probabilities, mixture) + kl_divergence(other_probabilities, mixture))


def gaussian_kl(mean: Float[Array, " k"], log_variance: Float[Array, " k"]) -> Float[Array, ""]:
    """KL(N(mean, exp(log_variance)) ‖ N(0, I)) in nats.

        ½ Σ_i (exp(s_i) + m_i² − 1 − s_i),   s = log_variance

    Kingma & Welling 2014, appendix B. Zero exactly at the prior, positive elsewhere. Lecture 002.
    (exp(s) − 1 is computed as one function, which keeps the digits of a latent that has nearly collapsed.)
    """
    return 0.5 * jnp.sum(jnp.expm1(log_variance) - log_variance + mean**2)


def gaussian_kl_between(
    mean: Float[Array, " k"],
    log_variance: Float[Array, " k"],
    other_mean: Float[Array, " k"],
    other_log_variance: Float[Array, " k"],
) -> Float[Array, ""]:
    """KL(N(m, exp(s)) ‖ N(m', exp(s'))) of diagonal Gaussians, in nats.

        ½ Σ_i (exp(s_i − s'_i) + (m_i − m'_i)² exp(−s'_i) − 1 − s_i + s'_i)

    Kullback & Leibler 1951; ``gaussian_kl`` is the case of the standard normal.
    """
    log_ratio = log_variance - other_log_variance
    distance = (mean - other_mean) ** 2 * jnp.exp(-other_log_variance)
    return 0.5 * jnp.sum(jnp.expm1(log_ratio) - log_ratio + distance)


def multivariate_gaussian_kl(
    mean: Float[Array, " k"],
    covariance: Float[Array, "k k"],
    other_mean: Float[Array, " k"],
    other_covariance: Float[Array, "k k"],
) -> Float[Array, ""]:
    """KL(N(m, Σ) ‖ N(m', Σ')) of Gaussians with full covariances, in nats.

        ½ (tr(Σ'⁻¹ Σ) + (m − m')ᵀ Σ'⁻¹ (m − m') − k + log det Σ' − log det Σ)

    With Σ = L Lᵀ, Σ' = L' L'ᵀ and M = L'⁻¹ L, which is triangular: the trace is ‖M‖², and the difference of the
    logarithms −2 Σ_i log M_ii. NaN unless both covariances are positive definite. ``gaussian_kl_between`` is the case
    of diagonal ones. Kullback & Leibler 1951.
    """
    factor, other_factor = jnp.linalg.cholesky(covariance), jnp.linalg.cholesky(other_covariance)
    spread = solve_triangular(other_factor, factor, lower=True)
    shift = solve_triangular(other_factor, mean - other_mean, lower=True)
    distance = jnp.sum(spread**2) - mean.shape[0] + jnp.sum(shift**2)
    return 0.5 * distance - jnp.sum(jnp.log(jnp.diagonal(spread)))


def monte_carlo_kl(
    log_density: Float[Array, " samples"], other_log_density: Float[Array, " samples"]
) -> Float[Array, ""]:
    """KL(q ‖ p) estimated from draws of q, in nats; unbiased, and possibly negative.

        1/K Σ_k log q(z_k) − log p(z_k),   z_k ~ q

    ``log_density`` holds log q(z_k), ``other_log_density`` log p(z_k). Kingma & Welling 2014, equation 6.
    """
    return jnp.mean(log_density - other_log_density)
