"""Metrics of held-out examples: one value per example and seed, in batches of bounded memory."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int, Key, PyTree

from train.compilation import jit_of_few_calls
from train.feed import Source, size_of, take
from train.measures import Metrics, check_one_per_example
from train.mesh import Placement
from train.processes import place
from train.task import Batch, Stream
from train.trainable import Params

MetricFn = Callable[[Params, Batch, Key[Array, " batch"]], Metrics]


def example_keys(key: Key[Array, ""], index: Int[Array, " batch"]) -> Key[Array, " batch"]:
    """What the examples at these places draw from where they are measured, with the key of a seed."""
    stream = jax.random.fold_in(key, Stream.EVALUATION)
    return jax.vmap(lambda i: jax.random.fold_in(stream, i))(index)


def whole_set_key(key: Key[Array, ""]) -> Key[Array, ""]:
    """What a whole set draws from where it is measured, with the key of a seed."""
    return jax.random.fold_in(key, Stream.WHOLE_SET)


def evaluator(
    metric_of: Callable[[PyTree], MetricFn],
    examples: PyTree | Source,
    seeds: Sequence[int],
    *,
    batch: int,
    where: Placement,
    context: PyTree = (),
) -> Callable[..., Metrics]:
    """The function ``params → {name: [seeds, examples, …]}`` for parameters with a leading axis of seeds.

    ``metric_of(context)`` returns one value (of any shape) per example, or a ``Ratio`` of two; ``ValueError`` where it
    does not. The context, arrays that no batch divides, is an argument of the compiled program and no part of it.
    Example ``i`` always draws from the same key, whatever the batch size, so evaluations differ by the parameters
    alone: every seed is measured by one and the same program, so that a seed among others has the bits of the seed
    alone. A batch is divided over the devices of ``where``, and grows to the next multiple of their number. After each
    batch of each seed ``seen`` is told how many examples are measured, those of all seeds together.
    """
    count = size_of(examples)
    batch = -(-min(batch, count) // where.mesh.size) * where.mesh.size

    context = _everywhere(context, where)

    @partial(jit_of_few_calls, out_shardings=where.replicated)
    def measure(params: Params, seed: Array, examples: Batch, index: Array, context: PyTree) -> Metrics:
        metrics = metric_of(context)(params, examples, example_keys(jax.random.key(seed), index))
        check_one_per_example(metrics, len(index))
        return metrics

    def evaluate(params: Params, seen: Callable[[int], None] = lambda done: None) -> Metrics:
        parts = []
        for start in range(0, count, batch):
            index = np.minimum(np.arange(start, start + batch), count - 1)  # the last batch is filled up, then cut
            taken = (take(examples, index), index.astype(np.int32))
            placed = place(taken, jax.tree.map(lambda _: where.examples, taken))
            of_seeds, kept = [], min(batch, count - start)
            for number, seed in enumerate(seeds):
                of_seed = _of_seed(params, np.int32(number), where.params)
                of_seeds.append(jax.device_get(measure(of_seed, np.int32(seed), *placed, context)))
                seen(start * len(seeds) + kept * (number + 1))
            part = jax.tree.map(lambda *leaves: np.stack(leaves), *of_seeds)
            parts.append(jax.tree.map(lambda leaf, kept=kept: leaf[:, :kept], part))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *parts)

    return evaluate


@partial(jax.jit, static_argnames="whole")
def _of_seed(params: Params, number: Array, whole: Callable[[Params], Params]) -> Params:
    return jax.tree.map(lambda leaf: leaf[number], whole(params))


class WholeSet(NamedTuple):
    """A measure of a whole set of examples at once, which no mean of batches gives."""

    data: PyTree[Array | np.ndarray]
    """the arrays it needs, handed over as an argument"""
    measure: Callable[[Params, PyTree[Array], Key[Array, ""]], PyTree[Array]]
    """``(params, data, key) → {name: scalar}``, or whatever ``conclude`` takes"""
    conclude: Callable[[PyTree[np.ndarray]], Metrics] = dict
    """what was measured of one seed → ``{name: scalar}``: what the host computes, in double precision or by a library
    that no compiled program can call"""


def whole_set_evaluator(whole_set: WholeSet, seeds: Sequence[int], *, where: Placement) -> Callable[[Params], dict]:
    """The function ``params → {name: [seeds]}`` for parameters with a leading axis of seeds.

    Each seed draws from a stream of its own; all are measured by one program.
    """
    data = _everywhere(whole_set.data, where)

    @partial(jit_of_few_calls, out_shardings=where.replicated)
    def measure(params: Params, number: Array, data: PyTree, seed: Array) -> PyTree[Array]:
        of_seed = jax.tree.map(lambda leaf: leaf[number], where.params(params))
        return whole_set.measure(of_seed, data, whole_set_key(jax.random.key(seed)))

    def evaluate(params: Params) -> dict[str, np.ndarray]:
        of_seeds = jax.device_get([measure(params, np.int32(n), data, np.int32(seed)) for n, seed in enumerate(seeds)])
        return jax.tree.map(lambda *leaves: np.stack(leaves), *map(whole_set.conclude, of_seeds))

    return evaluate


def _everywhere(tree: PyTree[Array | np.ndarray], where: Placement) -> PyTree[Array]:
    return place(jax.tree.map(np.asarray, tree), jax.tree.map(lambda _: where.replicated, tree))
