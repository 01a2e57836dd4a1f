"""Which examples a step takes: a function of (seed, step), so there is no iterator state to lose.

Examples are numbered through all epochs: step ``t`` of a run takes positions ``t·B … (t+1)·B − 1``, and position ``p``
is entry ``p mod N`` of epoch ``p // N``'s own permutation. No example is dropped at the end of an epoch.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Int, PyTree

from train.task import Task, batch_size
from train.transforms import resident

Chunk = tuple[int, int]  # first step, number of steps


@runtime_checkable
class Source(Protocol):
    """Random access to examples, each a tree of arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> PyTree[np.ndarray]: ...


class Feed(NamedTuple):
    """Examples for a compiled chunk of steps.

    ``resident`` stays on the device for the whole run, ``read(chunks)`` yields the elements of each chunk, with leading
    axes [seeds, steps, batch], and ``bind(task, resident)`` is the task that takes one step's elements.
    """

    resident: PyTree
    read: Callable[[Iterable[Chunk]], Iterator[PyTree]]
    bind: Callable[[Task, PyTree], Task]


@lru_cache(maxsize=64)
def epoch_order(seed: int, epoch: int, size: int) -> Int[np.ndarray, " size"]:
    """The order of the examples in one epoch."""
    return np.random.Generator(np.random.Philox([seed, epoch])).permutation(size)


def example_indices(seed: int, size: int, start: int, stop: int) -> Int[np.ndarray, " positions"]:
    """The examples at positions ``start … stop − 1`` of a run's endless sequence."""
    epochs = range(start // size, -(-max(stop, start + 1) // size))
    order = np.concatenate([epoch_order(seed, epoch, size) for epoch in epochs])
    offset = epochs.start * size
    return order[start - offset : stop - offset].astype(np.int32)


def _chunk_indices(seeds: Sequence[int], size: int, batch: int, chunk: Chunk) -> Int[np.ndarray, "seeds steps batch"]:
    start, length = chunk
    indices = [example_indices(seed, size, start * batch, (start + length) * batch) for seed in seeds]
    return np.stack([index.reshape(length, batch) for index in indices])


def take(examples: PyTree | Source, index: Int[np.ndarray, " batch"]) -> PyTree:
    """The examples at ``index`` as arrays, from arrays or from a random-access source."""
    if isinstance(examples, dict):
        return jax.tree.map(lambda leaf: leaf[index], examples)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *[examples[int(i)] for i in index])


def size_of(examples: PyTree | Source) -> int:
    """How many examples there are."""
    return batch_size(examples) if isinstance(examples, dict) else len(examples)


def resident_feed(examples: PyTree, seeds: Sequence[int], batch: int) -> Feed:
    """Feeds arrays that live on the device, gathered by index inside the compiled chunk."""
    size = batch_size(examples)

    def read(chunks: Iterable[Chunk]) -> Iterator[Int[np.ndarray, "seeds steps batch"]]:
        return (_chunk_indices(seeds, size, batch, chunk) for chunk in chunks)

    return Feed(jax.device_put(examples), read, resident)


class _InOrder:
    """A random-access source as a run sees it: item ``p`` is the example at position ``p``, for all seeds in turn."""

    def __init__(self, source: PyTree | Source, seeds: Sequence[int], batch: int, start: int, steps: int):
        self.source, self.seeds, self.batch, self.start, self.steps = source, seeds, batch, start, steps

    def __len__(self) -> int:
        return self.steps * len(self.seeds) * self.batch

    def __getitem__(self, item: int) -> PyTree:
        step, within = divmod(item, len(self.seeds) * self.batch)
        seed, place = divmod(within, self.batch)
        position = (self.start + step) * self.batch + place
        size = size_of(self.source)
        index = int(epoch_order(self.seeds[seed], position // size, size)[position % size])
        return (
            jax.tree.map(lambda leaf: leaf[index], self.source) if isinstance(self.source, dict) else self.source[index]
        )


def streaming_feed(
    source: PyTree | Source, seeds: Sequence[int], batch: int, *, threads: int = 8, ahead: int = 2
) -> Feed:
    """Feeds a random-access source of any size (or arrays) through Grain: the same examples in the same order as
    ``resident_feed``.

    ``threads`` read in parallel; at most ``ahead`` further steps are held in memory.
    """
    import grain

    def read(chunks: Iterable[Chunk]) -> Iterator[PyTree]:
        chunks = list(chunks)
        if not chunks:
            return
        steps = sum(length for _, length in chunks)
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=(ahead + 1) * len(seeds) * batch)
        ordered = grain.MapDataset.source(_InOrder(source, seeds, batch, chunks[0][0], steps))
        batches = iter(ordered.to_iter_dataset(options).batch(batch).batch(len(seeds)))
        for _, length in chunks:
            steps = [next(batches) for _ in range(length)]
            yield jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *steps)

    return Feed((), read, lambda task, _: task)
