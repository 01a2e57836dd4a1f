"""Grey levels as real numbers: noise fills each level's bin, and a logit takes [0, 1] to the whole line.

A density of real numbers could become infinite at the levels themselves; of what lies in a bin, its integral is a
probability. Uria et al. 2013; Theis et al. 2016, section 3.1.
"""

from math import log, log1p

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def dequantize(
    image: Float[Array, "*shape"], noise: Float[Array, "*shape"], *, levels: int
) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """A place within the bin of each level, and the log-determinant in the noise.

        v_i = (k_i + u_i) / L,   k_i = (L − 1) x_i;      log |det ∂v/∂u| = −D log L

    Intensities x are k / (L − 1) of L = ``levels``, the noise u lies in [0, 1), and so does v. With u uniform,
    E log p(v) − D log L ≤ log P(x). Theis et al. 2016, section 3.1.
    """
    return (jnp.round(image * (levels - 1)) + noise) / levels, jnp.asarray(-image.size * log(levels), image.dtype)


def quantize_levels(value: Float[Array, "*shape"], *, levels: int) -> Float[Array, "*shape"]:
    """The intensity of the bin in which a value of [0, 1] lies; others go to the nearest bin.

        x_i = min(⌊L v_i⌋, L − 1) / (L − 1)

    Takes ``dequantize`` back, whatever the noise above 0: at 0, on the border of two bins, rounding may lead into the
    lower one (not at 2, 17 or 256 levels). Theis et al. 2016, section 3.1.
    """
    return jnp.clip(jnp.floor(value * levels), 0, levels - 1) / (levels - 1)


def logit(value: Float[Array, "*shape"], *, margin: float) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """Values of [0, 1] on the whole line, and the logarithm of the Jacobian's determinant.

        y_i = log w_i − log(1 − w_i),   w_i = α/2 + (1 − α) v_i;
        log |det ∂y/∂v| = Σ_i log(1 − α) − log w_i − log(1 − w_i)

    ``margin`` α keeps what lies at 0 and 1 at a finite place. Dinh et al. 2017, section 4.1, has α where α/2 stands
    here.
    """
    inside = margin / 2 + (1 - margin) * value
    log_inside, log_outside = jnp.log(inside), jnp.log1p(-inside)
    return log_inside - log_outside, jnp.sum(log1p(-margin) - log_inside - log_outside)


def invert_logit(value: Float[Array, "*shape"], *, margin: float) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """The inverse of ``logit``, and its own log-determinant; without a margin, the logistic function.

        v_i = (σ(y_i) − α/2) / (1 − α);      log |det ∂v/∂y| = Σ_i log σ(y_i) + log σ(−y_i) − log(1 − α)

    Dinh et al. 2017, section 4.1.
    """
    log_determinant = jnp.sum(jax.nn.log_sigmoid(value) + jax.nn.log_sigmoid(-value) - log1p(-margin))
    return (jax.nn.sigmoid(value) - margin / 2) / (1 - margin), log_determinant
