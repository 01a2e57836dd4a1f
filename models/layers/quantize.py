"""Vector quantisation: a vector is replaced by the nearest one of a codebook."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def nearest_code(vector: Float[Array, " dimensions"], codebook: Float[Array, "codes dimensions"]) -> Int[Array, ""]:
    """The index of the code at the least squared distance, the first of several.

        argmin_j ‖z − e_j‖² = argmin_j ‖e_j‖² − 2 z·e_j

    The second form is one matrix product for many vectors; codes whose distances differ by rounding alone may be
    exchanged. van den Oord et al. 2017, equation 1.
    """
    return jnp.argmin(jnp.sum(codebook**2, axis=1) - 2 * (codebook @ vector))


def straight_through(vector: Float[Array, "*shape"], code: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The code as the value, and the identity in the vector as the derivative.

        z_q = e + z − sg[z]

    So what follows sees codes, and its gradient reaches the encoder as if nothing had been quantised; none reaches the
    code. van den Oord et al. 2017, section 3.2; Bengio et al. 2013.
    """
    return jax.lax.stop_gradient(code) + (vector - jax.lax.stop_gradient(vector))


def moving_average_codebook(
    codebook: Float[Array, "codes dimensions"],
    usage: Float[Array, " codes"],
    counts: Float[Array, " codes"],
    sums: Float[Array, "codes dimensions"],
    *,
    decay: float,
) -> tuple[Float[Array, "codes dimensions"], Float[Array, " codes"]]:
    """Codebook and usage after a batch: each code follows the mean of the vectors that chose it.

        N_j ← γ N_j + (1 − γ) n_j,   e_j ← e_j + (1 − γ) (Σ z − n_j e_j) / N_j,   γ = decay

    The sum is over the n_j vectors whose nearest code is j. With m_j = N_j e_j this is the update of e_j = m_j / N_j in
    van den Oord et al. 2017, appendix A.1, written so that a code that nothing chooses stays where it is. Counts and
    sums may be divided by the same number, such as that of the examples. The usage starts at 0: then a code jumps to
    the mean of the first vectors that choose it.
    """
    usage = decay * usage + (1 - decay) * counts
    step = (1 - decay) * (sums - counts[:, None] * codebook) / jnp.where(usage > 0, usage, 1)[:, None]
    return codebook + step, usage
