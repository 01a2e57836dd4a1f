"""Mixtures of Gaussians on a line: their density, their draws, and what is best said of a noisy draw."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


def mixture_log_density(
    point: Float[Array, ""],
    weights: Float[Array, " components"],
    means: Float[Array, " components"],
    deviations: Float[Array, " components"],
) -> Float[Array, ""]:
    """Log Σ_k w_k N(x; m_k, s_k²), in nats.  Bishop 2006, equation 9.7."""
    squares = ((point - means) / deviations) ** 2
    return jax.nn.logsumexp(jnp.log(weights) - 0.5 * squares - jnp.log(deviations) - 0.5 * jnp.log(2 * jnp.pi))


def draw_mixture(
    key: Key[Array, ""],
    weights: Float[Array, " components"],
    means: Float[Array, " components"],
    deviations: Float[Array, " components"],
) -> Float[Array, ""]:
    """A component, and a point of it.  Bishop 2006, section 9.2."""
    component_key, noise_key = jax.random.split(key)
    component = jax.random.categorical(component_key, jnp.log(weights))
    return means[component] + deviations[component] * jax.random.normal(noise_key, (), means.dtype)


def best_noise(
    noisy: Float[Array, ""],
    signal_ratio: Float[Array, ""],
    weights: Float[Array, " components"],
    means: Float[Array, " components"],
    deviations: Float[Array, " components"],
) -> Float[Array, ""]:
    """The expected noise in a noisy draw, which no denoiser can better:  E[ε | x_t].

        Σ_k r_k √(1 − ᾱ)(x_t − √ᾱ m_k)/v_k,   v_k = ᾱ s_k² + 1 − ᾱ,   r_k ∝ w_k N(x_t; √ᾱ m_k, v_k)

    It is −√(1 − ᾱ) times the slope of log p(x_t). Tweedie's formula: Robbins 1956; Efron 2011.
    """
    centres, variances = jnp.sqrt(signal_ratio) * means, signal_ratio * deviations**2 + 1 - signal_ratio
    logits = jnp.log(weights) - 0.5 * (noisy - centres) ** 2 / variances - 0.5 * jnp.log(variances)
    return jnp.sum(jax.nn.softmax(logits) * jnp.sqrt(1 - signal_ratio) * (noisy - centres) / variances)
