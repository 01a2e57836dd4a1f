"""Sampling from a diffusion: from noise to an example, in one loop that is compiled once."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from models.layers.denoising_steps import EstimateOf, Step
from models.layers.random_arrays import normal


class Passed(NamedTuple):
    """What a sampler went through, from its first step to its last."""

    noisy: Float[Array, " steps *shape"]
    """the noisy example before each step"""
    clean: Float[Array, " steps *shape"]
    """what it was taken for then: x̂_0"""


def spaced_steps(steps: int, count: int) -> Int[np.ndarray, " count"]:
    """``count`` of the steps 0 … ``steps`` − 1, the first and the last among them, at distances as equal as whole
    numbers can be; one alone is the last.

    ``ValueError`` where there are not so many.
    """
    if not 1 <= count <= steps:
        raise ValueError(f"{count} of {steps} steps: expected 1 to {steps}")
    return np.linspace(steps - 1 if count == 1 else 0, steps - 1, count).round().astype(np.int64)


def denoise(
    key: Key[Array, ""],
    noisy: Float[Array, "*shape"],
    signal_ratios: Float[Array, " steps"],
    *,
    step: Step,
    estimate: EstimateOf,
) -> tuple[Float[Array, "*shape"], Passed]:
    """The example that noise becomes, from the last of the ratios to the first and then to 1, and what it was before.

    Ratios fall, as a schedule's do, or some of them: each step goes from one in the list to the one before it, and
    never to one that is not there. Whatever is drawn is drawn from ``key``. Ho et al. 2020, algorithm 2; Song et al.
    2021, section 4.2. Lecture 003, section 4.4.2.
    """
    after = jnp.concatenate([jnp.ones(1, signal_ratios.dtype), signal_ratios[:-1]])
    pairs = jnp.stack([signal_ratios, after], axis=1)[::-1]
    advance = partial(step, estimate=estimate)

    def move(noisy: Array, given: tuple[Array, Array]) -> tuple[Array, Passed]:
        (ratio, next_ratio), step_key = given
        noise = normal(step_key, noisy.shape, noisy.dtype)
        return advance(noisy, ratio, next_ratio, noise), Passed(noisy, estimate(noisy, ratio).clean)

    return jax.lax.scan(move, noisy, (pairs, jax.random.split(key, len(pairs))))
