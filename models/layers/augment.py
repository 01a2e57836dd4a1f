"""Random crops and flips of images, drawn anew each time that a training step sees them.

He et al. 2016, "Deep residual learning for image recognition", section 4.2, on CIFAR-10.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


def random_crop(
    key: Key[Array, ""], image: Float[Array, "height width channels"], *, padding: int = 4
) -> Float[Array, "height width channels"]:
    """A crop of the image's size, at a random place of the image with ``padding`` rows and columns of zeros around it.

        y[i, j] = x[i + u − padding, j + v − padding],  0 outside of x;   u, v ~ Uniform{0, …, 2 · padding}

    So the image is shifted by up to ``padding`` pixels each way, each of the (2 · padding + 1)² shifts alike. The unit
    is the image's. He et al. 2016, section 4.2, with 4 pixels.
    """
    padded = jnp.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    row, column = jax.random.randint(key, (2,), 0, 2 * padding + 1)
    return jax.lax.dynamic_slice(padded, (row, column, 0), image.shape)


def random_flip(
    key: Key[Array, ""], image: Float[Array, "height width channels"]
) -> Float[Array, "height width channels"]:
    """The image, or with probability ½ its mirror image, left for right.

        y[i, j] = x[i, width − 1 − j]

    He et al. 2016, section 4.2.
    """
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)
