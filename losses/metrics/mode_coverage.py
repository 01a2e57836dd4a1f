"""How many of the modes of known data a generator reaches, and how evenly.

A sample belongs to the nearest mode, and is of high quality where it is less than three standard deviations away from
it: as in Srivastava et al. 2017, and in Lin et al. 2018 and their code.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def mode_counts(
    samples: Float[Array, "samples d"], modes: Float[Array, "modes d"], *, deviation: float, radius: float = 3.0
) -> Float[Array, " modes"]:
    """How many samples of high quality belong to each mode.

        #{i : k = argmin_l ‖x_i − m_l‖ and ‖x_i − m_k‖ < radius · σ}

    ``deviation`` σ is that of every mode, in the samples' unit. Lin et al. 2018, section 4.1.
    """
    squares = jnp.sum((samples[:, None] - modes) ** 2, axis=-1)
    nearest = jax.nn.one_hot(jnp.argmin(squares, axis=1), len(modes), dtype=samples.dtype)
    good = squares.min(axis=1) < (radius * deviation) ** 2
    return jnp.sum(nearest * good[:, None].astype(samples.dtype), axis=0)


def modes_covered(counts: Float[Array, " modes"]) -> Float[Array, ""]:
    """How many modes have at least one sample of high quality, of ``mode_counts``. Lin et al. 2018, section 4.1."""
    return jnp.sum(counts > 0, dtype=counts.dtype)


def high_quality_share(counts: Float[Array, " modes"], *, samples: int) -> Float[Array, ""]:
    """The share of the ``samples`` that are of high quality, in percent. Lin et al. 2018, section 4.1."""
    return 100 * jnp.sum(counts) / samples


def reverse_kl(counts: Float[Array, " modes"]) -> Float[Array, ""]:
    """KL(q ‖ uniform), in nats, of the shares q that modes have of the samples of high quality.

        log m + Σ_k q_k log q_k,   q_k = n_k / Σ_l n_l

    0 where all m modes have equally many, log m where one has all, and also where there are none. Missed modes cost no
    infinity, unlike KL(uniform ‖ q). Lin et al. 2018, section 4.1; samples of low quality are left out, as in their
    code.
    """
    total = jnp.sum(counts)
    shares = counts / jnp.maximum(total, 1)
    negative_entropy = jnp.sum(shares * jnp.log(jnp.where(shares > 0, shares, 1)))
    return jnp.log(jnp.asarray(len(counts), counts.dtype)) + negative_entropy
