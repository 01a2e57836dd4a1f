"""How far two sets of points on a line would have to be moved to become each other."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def wasserstein_on_line(one: Float[Array, " points"], other: Float[Array, " points"]) -> Float[Array, ""]:
    """The 1-Wasserstein distance of two sets of equally many points: on a line the least moves none past another.

        mean_i |x_(i) − y_(i)|,   both in order

    Villani 2003, "Topics in optimal transportation", section 2.2.
    """
    return jnp.mean(jnp.abs(jnp.sort(one) - jnp.sort(other)))
