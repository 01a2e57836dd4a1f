"""Posterior collapse, where q(z | x) is the prior whatever x is: how it is measured, and what is done against it.

Bowman et al. 2016; Burda et al. 2016; Kingma et al. 2016; Sønderby et al. 2016. Lecture 002, part 5, on the KL term.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def kl_per_dimension(
    mean: Float[Array, "*batch k"], log_variance: Float[Array, "*batch k"]
) -> Float[Array, "*batch k"]:
    """KL(N(m_i, exp(s_i)) ‖ N(0, 1)) of each dimension of a diagonal Gaussian, in nats.

        ½ (exp(s_i) + m_i² − 1 − s_i),   s = log_variance

    Their sum is the KL of the whole. Zero for a dimension that has collapsed. Kingma & Welling 2014, appendix B.
    """
    return 0.5 * (jnp.expm1(log_variance) - log_variance + mean**2)


def free_bits(kl: Float[Array, "examples groups"], *, least: float) -> Float[Array, " examples"]:
    """The KL term that gives each group of latents ``least`` nats for free; its mean over the examples is

        Σ_j max(λ, 1/M Σ_x KL_j(x)),   λ = least

    A group whose mean KL is below λ has no gradient, so nothing pushes it to 0. As one value per example: KL_j(x) where
    the group's mean is above λ, and λ where it is not. The mean is of this batch: of its parts the values differ.
    Kingma et al. 2016, appendix C.8.
    """
    return jnp.sum(jnp.where(jnp.mean(kl, axis=0) > least, kl, least), axis=1)


def linear_warmup(step: Float[Array, ""], *, steps: int) -> Float[Array, ""]:
    """The weight of the KL term at a step (from 0 on) of training, rising from 0 to 1 over the first ``steps``.

        β_t = min(1, t / T)

    The decoder learns to use the latent before it costs anything. Bowman et al. 2016, section 3.1; Sønderby et al.
    2016.
    """
    return jnp.minimum(step / steps, 1.0)
