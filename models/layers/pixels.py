"""Pictures of which a few pixels are repainted."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def with_pixels(
    image: Float[Array, "height width channels"], pixels: Float[Array, "pixels genes"]
) -> Float[Array, "height width channels"]:
    """The image with some of its pixels in other colours, each told by 2 + channels numbers in [0, 1].

        x[⌊r H⌋, ⌊c W⌋] = v   for each (r, c, v)

    A row or column of 1 is the last. Of two that name the same place the later one counts. Other than 2 + channels
    numbers raise ``ValueError``. Su et al. 2019, section 3.2.
    """
    height, width, channels = image.shape
    if pixels.shape[1] != 2 + channels:
        raise ValueError(f"a pixel of {image.shape} is told by {2 + channels} numbers, got {pixels.shape[1]}")
    places = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"), axis=-1)

    def painted(image: Array, pixel: Array) -> tuple[Array, None]:
        place = jnp.floor(pixel[:2] * jnp.asarray([height, width], pixel.dtype)).astype(places.dtype)
        here = jnp.all(places == jnp.clip(place, 0, places[-1, -1]), axis=-1)
        return jnp.where(here[..., None], pixel[2:], image), None

    return jax.lax.scan(painted, image, pixels)[0]
