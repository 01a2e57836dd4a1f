"""Random arrays, with the bits of ``jax.random``, drawn as a row and shaped afterwards.

XLA's compiler for CPUs makes a loop of every axis of what is drawn and unrolls the short ones. As a row, a picture for
each of many keys takes a quarter of the time to compile, and one of three colours half of the time to draw
(docs/benchmarks.md).
"""

from collections.abc import Sequence
from math import prod

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Bool, Float, Key


def normal(key: Key[Array, ""], shape: Sequence[int], dtype: DTypeLike = float) -> Float[Array, "*shape"]:
    """Independent numbers of N(0, 1), those of ``jax.random.normal``. Lecture 002."""
    return jax.random.normal(key, (prod(shape),), dtype).reshape(shape)


def uniform(
    key: Key[Array, ""],
    shape: Sequence[int],
    dtype: DTypeLike = float,
    minval: ArrayLike = 0.0,
    maxval: ArrayLike = 1.0,
) -> Float[Array, "*shape"]:
    """Independent numbers of [minval, maxval), those of ``jax.random.uniform``; the ends are scalars. Lecture 003."""
    return jax.random.uniform(key, (prod(shape),), dtype, minval, maxval).reshape(shape)


def bernoulli(key: Key[Array, ""], probability: ArrayLike, shape: Sequence[int]) -> Bool[Array, "*shape"]:
    """Independently true with a probability each, or one for all, as ``jax.random.bernoulli`` draws it. Lecture 000."""
    if jnp.ndim(probability):
        probability = jnp.broadcast_to(jnp.asarray(probability), shape).ravel()
    return jax.random.bernoulli(key, probability, (prod(shape),)).reshape(shape)
