"""What a network observes of an image: its intensities, bits drawn from them, or a corrupted image."""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Literal

import jax
from jaxtyping import Array, Float, Key

from models.layers.corruption import CORRUPTIONS
from models.layers.random_arrays import bernoulli

Observe = Callable[[Key[Array, ""], Float[Array, "*shape"]], Float[Array, "*shape"]]
"""One image as it is observed, with its own key: ``jax.vmap(observe)(keys, images)`` for those of a batch."""


def identity(key: Key[Array, ""], image: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The image as it is."""
    del key
    return image


def dynamic_binarization(key: Key[Array, ""], image: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Bits drawn anew from the intensities at each use (Salakhutdinov & Murray 2008)."""
    return bernoulli(key, image, image.shape).astype(image.dtype)


@partial(jax.jit, static_argnums=0)
def observed(
    observe: Observe, keys: Key[Array, " images"], images: Float[Array, " images *shape"]
) -> Float[Array, " images *shape"]:
    """All images as they are observed, each with its own key, by a program that is compiled once."""
    return jax.vmap(observe)(keys, images)


def observation(binarization: Literal["none", "static", "stochastic"]) -> Observe:
    """Dynamic binarisation where it is stochastic; else what the data set gives."""
    return dynamic_binarization if binarization == "stochastic" else identity


def corruption_of(name: str, level: float) -> Observe:
    """A corruption of ``models/layers/corruption.py`` by name, or "none"."""
    return identity if name == "none" else partial(CORRUPTIONS[name], level=level)


def drawing(keys: Key[Array, " batch"], what: IntEnum) -> Key[Array, " batch"]:
    """The keys of one kind of draw, of every example: ``train.task.Draw``, or an objective's own names."""
    return jax.vmap(lambda key: jax.random.fold_in(key, what))(keys)
