"""How many dimensions of a latent tell examples apart. Burda et al. 2016."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def unit_activity(means: Float[Array, "examples k"]) -> Float[Array, " k"]:
    """How much each dimension of the posterior mean varies over the data.

        A_i = Var_x(E_{q(z | x)}[z_i])

    The variance over the examples given, divided by their number. Burda et al. 2016, section 5.2.
    """
    return jnp.var(means, axis=0)


def active_units(means: Float[Array, "examples k"], *, threshold: float = 0.01) -> Float[Array, ""]:
    """How many dimensions of the latent tell examples apart: those whose ``unit_activity`` is above the threshold.

    Burda et al. 2016, section 5.2, where the threshold is 10⁻².
    """
    return jnp.sum(unit_activity(means) > threshold, dtype=means.dtype)
