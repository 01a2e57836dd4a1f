"""How far what an encoder makes of all examples together is from the prior that a decoder is asked with.

Hoffman & Johnson 2016, "ELBO surgery". Lecture 003, section 4.1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Surgery(NamedTuple):
    """The mean divergence of posteriors from the prior in two parts, in nats."""

    information: Float[Array, ""]
    """how much a latent says of which example it is of: log N at most"""
    divergence: Float[Array, ""]
    """of the aggregate posterior from the prior"""


def aggregate_posterior_surgery(
    latents: Float[Array, "examples k"], means: Float[Array, "examples k"], log_variances: Float[Array, "examples k"]
) -> Surgery:
    """The two parts, estimated by one ``latents`` row drawn from each posterior N(mean, exp(log_variance)).

        mean_n KL(q(z | x_n) ‖ p(z)) = I(z; n) + KL(q(z) ‖ p(z)),   q(z) = 1/N Σ_n q(z | x_n)
        I ≈ mean_n log q(z_n | x_n) − log q(z_n),   KL ≈ mean_n log q(z_n) − log p(z_n)

    The prior is N(0, I). A decoder that is asked with draws of the prior sees other latents than it was trained on as
    far as the second part is not 0. Hoffman & Johnson 2016, equation 8.
    """

    def of_one(latent: Array, number: Array) -> tuple[Array, Array]:
        own = jax.vmap(_log_density, (None, 0, 0))(latent, means, log_variances)
        aggregate = jax.nn.logsumexp(own) - jnp.log(jnp.asarray(len(means), own.dtype))
        return own[number] - aggregate, aggregate - _log_density(latent, jnp.zeros_like(latent), jnp.zeros_like(latent))

    numbers = jnp.arange(len(latents), dtype=jnp.int32)
    return Surgery(*(part.mean() for part in jax.lax.map(lambda pair: of_one(*pair), (latents, numbers))))


def _log_density(point: Float[Array, " k"], mean: Float[Array, " k"], log_variance: Float[Array, " k"]) -> Array:
    squares = (point - mean) ** 2 * jnp.exp(-log_variance)
    return -0.5 * jnp.sum(squares + log_variance + jnp.log(2 * jnp.pi))
