"""Dropout."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from models.layers.random_arrays import bernoulli


def dropout(key: Key[Array, ""], values: Float[Array, "*shape"], *, rate: float) -> Float[Array, "*shape"]:
    """Each entry set to 0 with probability ``rate`` p, the others divided by 1 − p, while training.

        y_i = m_i x_i / (1 − p),   m_i ~ Bernoulli(1 − p),   E[y_i] = x_i,   Var[y_i] = x_i² p / (1 − p)

    The division ("inverted" dropout) keeps the mean, so that evaluation uses the network as it is. The gradient passes
    where the entry was kept. A rate outside [0, 1) raises ``ValueError``; 0 is the identity. Srivastava et al. 2014,
    section 4 and (the division) section 10. Lectures 000 and 001, where p is the probability of keeping an entry.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"the rate of dropout must be at least 0 and less than 1, got {rate}")
    kept = bernoulli(key, 1 - rate, values.shape)
    return jnp.where(kept, values / (1 - rate), 0.0)
