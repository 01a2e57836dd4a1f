"""Log-likelihoods of normalising flows, in nats.

Rezende & Mohamed 2015; Dinh et al. 2017. Lecture 003, section 4.3: "the log-likelihood is maximized".
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from losses.elbo import importance_weighted_bound
from losses.likelihoods import gaussian_log_likelihood


def change_of_variables(latent: Float[Array, "*shape"], log_determinant: Float[Array, ""]) -> Float[Array, ""]:
    """The log-density of what a flow takes to ``latent``, whose density is N(0, I), in nats of density.

        log p(x) = log N(f(x); 0, I) + log |det ∂f/∂x|

    Dinh et al. 2017, equation 3.
    """
    zeros = jnp.zeros_like(latent)
    return gaussian_log_likelihood(latent, zeros, zeros) + log_determinant


def dequantization_bound(
    log_density: Float[Array, " samples"], log_noise_density: Float[Array, " samples"]
) -> Float[Array, ""]:
    """A lower bound of the log-probability of grey levels x, from K draws of the noise that fills their bins, in nats.

        log P(x) ≥ E log 1/K Σ_k p(x + u_k) / q(u_k | x),   u_k ~ q(u | x) on [0, 1)^D

    p is a density over levels, whose bins have the width 1: one over [0, 1] has D log L subtracted from its logarithm
    (``models.layers.dequantization.dequantize``). Uniform noise has log q = 0. With K = 1 it is what is maximised; the
    bound rises with K. Ho et al. 2019 (Flow++), section 3.1.
    """
    return importance_weighted_bound(log_density - log_noise_density)
