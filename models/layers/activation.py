"""Activations that JAX does not have."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.maximum import maximum


def scaled_tanh(inputs: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The hyperbolic tangent through (1, 1) and (−1, −1), where its curvature is largest.

        y = 1.7159 tanh(2/3 x)

    LeCun et al. 1998, "Gradient-based learning applied to document recognition", equation 6 and appendix A.
    """
    return 1.7159 * jnp.tanh(2 / 3 * inputs)


def maxout(inputs: Float[Array, "*leading features"], *, pieces: int) -> Float[Array, "*leading units"]:
    """The largest of every ``pieces`` consecutive features: a convex function with so many linear pieces.

        h_j = max_{k < pieces} z_{pieces·j + k}

    The gradient goes to the first of those that are largest. ``ValueError`` where features are no multiple of the
    pieces. Goodfellow et al. 2013, "Maxout networks", equation 3.
    """
    if inputs.shape[-1] % pieces:
        raise ValueError(f"{inputs.shape[-1]} features cannot be divided into units of {pieces} pieces")
    return maximum(inputs.reshape(*inputs.shape[:-1], -1, pieces), axis=-1)
