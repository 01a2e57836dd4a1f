"""Divergences between distributions, in nats."""

import jax.numpy as jnp
from jaxtyping import Array, Float


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


def monte_carlo_kl(
    log_density: Float[Array, " samples"], other_log_density: Float[Array, " samples"]
) -> Float[Array, ""]:
    """KL(q ‖ p) estimated from draws of q, in nats; unbiased, and possibly negative.

        1/K Σ_k log q(z_k) − log p(z_k),   z_k ~ q

    ``log_density`` holds log q(z_k), ``other_log_density`` log p(z_k). Kingma & Welling 2014, equation 6.
    """
    return jnp.mean(log_density - other_log_density)
