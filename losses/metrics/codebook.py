"""How much of a codebook is used."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from losses.information import entropy


def codebook_perplexity(frequencies: Float[Array, " codes"]) -> Float[Array, ""]:
    """How many equally likely codes would be as uncertain as these.

        exp H(f) = exp(−Σ_j f_j log f_j)

    Between 1, where one code is always chosen, and the size of the codebook. The frequencies must sum to one, which is
    not checked. Shannon 1948, section 6.
    """
    return jnp.exp(entropy(frequencies))
