"""Early stopping: keep the parameters that did best on held-out data, and stop when patience runs out.

Prechelt 1998; Goodfellow et al. 2016, algorithm 7.1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from train.task import Params


class Best(NamedTuple):
    """The best parameters seen by each seed; all leaves have a leading axis of seeds."""

    params: Params
    value: Float[Array, " seeds"]
    step: Int[Array, " seeds"]
    waited: Int[Array, " seeds"]  # evaluations since the best one


def start(params: Params, seeds: int) -> Best:
    """Nothing seen yet: any finite value is better."""
    params = jax.tree.map(jnp.copy, params)  # the originals are donated to the next chunk
    return Best(params, jnp.full(seeds, jnp.inf), jnp.zeros(seeds, jnp.int32), jnp.zeros(seeds, jnp.int32))


def update(best: Best, params: Params, value: Float[Array, " seeds"], step: Int[Array, ""], *, patience: int) -> Best:
    """Takes over ``params`` where ``value`` (lower is better) improved; a seed whose patience ran out keeps its best.

    So a seed ends with the same parameters in an ensemble as it would alone.
    """
    better = (value < best.value) & (best.waited < patience)

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return Best(
        jax.tree.map(choose, params, best.params),
        jnp.where(better, value, best.value),
        jnp.where(better, step, best.step),
        jnp.where(better, 0, best.waited + 1),
    )


def exhausted(best: Best, *, patience: int) -> Array:
    """Whether every seed has waited for ``patience`` evaluations without improvement."""
    return jnp.all(best.waited >= patience)
