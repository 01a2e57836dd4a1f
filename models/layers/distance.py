"""How far every pixel is from a set of pixels."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def squared_distances(mask: Bool[Array, "height width"]) -> Float[Array, "height width"]:
    """Of each pixel the squared Euclidean distance, in pixels, to the nearest pixel of the mask; exact.

        d²[i, j] = min_{j'} ((j − j')² + min_{i' : m[i', j']} (i − i')²)

    ∞ where the mask is empty. One axis after the other, as in Felzenszwalb & Huttenlocher 2012, equation 11.
    """
    height, width = mask.shape
    squares = [(jnp.arange(size)[:, None] - jnp.arange(size)[None, :]).astype(float) ** 2 for size in (height, width)]
    along = jnp.min(jnp.where(mask[None], squares[0][:, :, None], jnp.inf), axis=1)
    return jnp.min(squares[1][None] + along[:, None, :], axis=2)
