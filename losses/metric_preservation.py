"""Whether a decoded shape has the distances that it should: priors on a latent space of shapes. Lecture 004."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def distance_error(
    distances: Float[Array, "sources vertices"], wanted: Float[Array, "sources vertices"]
) -> Float[Array, ""]:
    """The squared error of a table of distances, in parts of the mean square of what is wanted.

        Σ_ij (D_ij − T_ij)² / Σ_ij T_ij²

    The numerator is the paper's; the ratio has no unit, so that a weight means the same for small and large shapes.
    Cosmo et al. 2020. Lecture 004.
    """
    return jnp.mean((distances - wanted) ** 2) / jnp.mean(wanted**2)


def interpolated(
    first: Float[Array, "*shape"], second: Float[Array, "*shape"], t: Float[Array, ""]
) -> Float[Array, "*shape"]:
    """(1 − t) a + t b: of latents the point on the line between them, of distances what is wanted there.

    Cosmo et al. 2020. Lecture 004.
    """
    return first + t * (second - first)
