"""What a network observes of an image: the intensities themselves, or bits drawn from them."""

from enum import IntEnum
from typing import Literal, Protocol

import jax
from jaxtyping import Array, Float, Key


class Observe(Protocol):
    """Images as they are observed; image i draws from ``keys[i]``."""

    def __call__(
        self, images: Float[Array, "batch *shape"], keys: Key[Array, " batch"], /
    ) -> Float[Array, "batch *shape"]: ...


def identity(images: Float[Array, "batch *shape"], keys: Key[Array, " batch"]) -> Float[Array, "batch *shape"]:
    """The images as they are."""
    del keys
    return images


def dynamic_binarization(
    images: Float[Array, "batch *shape"], keys: Key[Array, " batch"]
) -> Float[Array, "batch *shape"]:
    """Bits drawn anew from the intensities at each use (Salakhutdinov & Murray 2008)."""
    return jax.vmap(jax.random.bernoulli)(keys, images).astype(images.dtype)


def observation(binarization: Literal["none", "static", "stochastic"]) -> Observe:
    """Dynamic binarisation where it is stochastic; else what the data set gives."""
    return dynamic_binarization if binarization == "stochastic" else identity


def drawing(keys: Key[Array, " batch"], what: IntEnum) -> Key[Array, " batch"]:
    """The keys of one kind of draw, of every example: ``train.task.Draw``, or an objective's own names."""
    return jax.vmap(lambda key: jax.random.fold_in(key, what))(keys)
