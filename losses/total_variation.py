"""How much neighbouring pixels of an image differ: small where it is made of even areas."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def total_variation(image: Float[Array, "height width channels"], *, power: float = 2.0) -> Float[Array, ""]:
    """The lengths of the image's gradient, each to the power β, summed over pixels and channels.

        V_β(x) = Σ_c Σ_ij ((x_{i+1,j,c} − x_{i,j,c})² + (x_{i,j+1,c} − x_{i,j,c})²)^{β/2}

    A difference that would leave the image is 0. With β = 1 it is the total variation, of which sharp edges cost no
    more than soft ones; its derivative is taken for 0 where the image is even. With β = 2 it is the energy of the
    gradient: smooth everywhere, and without the spikes that β = 1 leaves where a net samples every other pixel.
    ``ValueError`` for β below 1. Rudin, Osher & Fatemi 1992; Mahendran & Vedaldi 2015, equation 2.
    """
    if power < 1:
        raise ValueError(f"the power of a total variation is at least 1, not {power:g}")
    down = jnp.diff(image, axis=0, append=image[-1:])
    right = jnp.diff(image, axis=1, append=image[:, -1:])
    squared = down**2 + right**2
    even = squared == 0
    return jnp.sum(jnp.where(even, 0.0, jnp.where(even, 1.0, squared) ** (power / 2)))
