"""Changing the resolution of images."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def upsample_nearest(
    images: Float[Array, "*batch height width channels"], *, factor: int = 2
) -> Float[Array, "*batch taller wider channels"]:
    """Every pixel becomes a block of ``factor`` × ``factor`` equal pixels.

    Followed by a convolution it avoids a transposed convolution's checkerboard (Odena et al. 2016).
    """
    return jnp.repeat(jnp.repeat(images, factor, axis=-3), factor, axis=-2)
