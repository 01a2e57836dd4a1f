"""Activations that JAX does not have."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def scaled_tanh(inputs: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The hyperbolic tangent through (1, 1) and (−1, −1), where its curvature is largest.

        y = 1.7159 tanh(2/3 x)

    LeCun et al. 1998, "Gradient-based learning applied to document recognition", equation 6 and appendix A.
    """
    return 1.7159 * jnp.tanh(2 / 3 * inputs)
