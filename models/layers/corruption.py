"""What is done to an image before a denoising autoencoder sees it.

Vincent et al. 2008 and 2010, section 3.3. Lectures 000 and 002, "Denoising autoencoder".
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from models.layers.random_arrays import bernoulli, normal


def gaussian_noise(key: Key[Array, ""], image: Float[Array, "*shape"], *, level: float) -> Float[Array, "*shape"]:
    """The image and noise of standard deviation ``level``, in the image's unit.

        x̃ = x + level · ε,   ε ~ N(0, I)

    Nothing is clipped. Vincent et al. 2010, section 3.3. Lectures 000 and 002.
    """
    return image + level * normal(key, image.shape, image.dtype)


def masking_noise(key: Key[Array, ""], image: Float[Array, "*shape"], *, level: float) -> Float[Array, "*shape"]:
    """Each value set to 0 with probability ``level``, independently.

    Vincent et al. 2008, section 2.3. Lectures 000 and 002.
    """
    return jnp.where(bernoulli(key, level, image.shape), 0.0, image)


def salt_and_pepper_noise(
    key: Key[Array, ""], image: Float[Array, "*shape"], *, level: float
) -> Float[Array, "*shape"]:
    """Each value replaced with probability ``level``, by 0 or by 1 as a fair coin falls: the ends of an image's range.

    Vincent et al. 2010, section 3.3. Lecture 002.
    """
    where, what = jax.random.split(key)
    extremes = bernoulli(what, 0.5, image.shape).astype(image.dtype)
    return jnp.where(bernoulli(where, level, image.shape), extremes, image)


CORRUPTIONS: dict[str, Callable] = {
    "gaussian": gaussian_noise,
    "masking": masking_noise,
    "salt_and_pepper": salt_and_pepper_noise,
}
