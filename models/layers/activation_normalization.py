"""Activation normalisation: a scale and a shift for each channel, which start where a first batch is standardised.

After its start it knows no batch: it is an affine map whose parameters are learned. Kingma & Dhariwal 2018 (Glow),
section 3.1.
"""

from math import prod

import jax.numpy as jnp
from jaxtyping import Array, Float


def activation_normalize(
    value: Float[Array, "*space channels"], log_scale: Float[Array, " channels"], bias: Float[Array, " channels"]
) -> tuple[Float[Array, "*space channels"], Float[Array, ""]]:
    """Every channel shifted and scaled, and the logarithm of the Jacobian's determinant.

        y_ic = (x_ic + b_c) exp(s_c);      log |det ∂y/∂x| = n Σ_c s_c,   n places

    Kingma & Dhariwal 2018, table 1, with the shift before the scale.
    """
    return (value + bias) * jnp.exp(log_scale), prod(value.shape[:-1]) * jnp.sum(log_scale)


def invert_activation_normalization(
    value: Float[Array, "*space channels"], log_scale: Float[Array, " channels"], bias: Float[Array, " channels"]
) -> tuple[Float[Array, "*space channels"], Float[Array, ""]]:
    """The inverse of ``activation_normalize``, and its own log-determinant.

        x_ic = y_ic exp(−s_c) − b_c;      log |det ∂x/∂y| = −n Σ_c s_c

    Kingma & Dhariwal 2018, table 1.
    """
    return value * jnp.exp(-log_scale) - bias, -prod(value.shape[:-1]) * jnp.sum(log_scale)


def standardizing_start(
    values: Float[Array, "batch *space channels"], *, epsilon: float = 1e-6
) -> tuple[Float[Array, " channels"], Float[Array, " channels"]]:
    """The log-scale and the bias by which each channel of a batch gets mean 0 and variance 1.

        b_c = −μ_c,   s_c = −½ log(σ_c² + ε),   moments over examples and places

    ε keeps a channel that never changes at a finite scale. Kingma & Dhariwal 2018, section 3.1.
    """
    over = tuple(range(values.ndim - 1))
    mean = values.mean(over)
    return -0.5 * jnp.log(jnp.mean((values - mean) ** 2, over) + epsilon), -mean
