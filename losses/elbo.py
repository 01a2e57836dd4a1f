"""Lower bounds of the log-likelihood of a latent variable model, in nats."""

from math import log

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def elbo(
    log_likelihood: Float[Array, " samples"], kl: Float[Array, ""], *, beta: float | Float[Array, ""] = 1.0
) -> Float[Array, ""]:
    """The evidence lower bound of one example, in nats.

        1/K Σ_k log p(x | z_k) − β KL(q(z | x) ‖ p(z)),   z_k ~ q(z | x)

    A lower bound of log p(x) for β ≥ 1, tight where β = 1 and q is the posterior. Kingma & Welling 2014, equation 7;
    β: Higgins et al. 2017, equation 4. Lectures 000 and 002.
    """
    return jnp.mean(log_likelihood) - beta * kl


def importance_weighted_bound(log_weights: Float[Array, " samples"]) -> Float[Array, ""]:
    """The K-sample bound of log p(x) of one example, in nats.

        log 1/K Σ_k w_k,   log w_k = log p(x, z_k) − log q(z_k | x),   z_k ~ q(z | x)

    Its expectation never decreases in K and tends to log p(x); K = 1 is the ELBO. Its gradient is the mean of those of
    log w_k under the normalised weights w_k / Σ_j w_j. Burda et al. 2016, equations 8 and 14.
    """
    return jax.nn.logsumexp(log_weights) - log(log_weights.shape[0])
