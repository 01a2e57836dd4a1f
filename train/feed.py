"""Which examples a step takes: a function of (seed, step), so there is no iterator state to lose.

Examples are numbered through all epochs: step ``t`` of a run takes positions ``t·B … (t+1)·B − 1``, and position ``p``
is entry ``p mod N`` of epoch ``p // N``'s own permutation. No example is dropped at the end of an epoch.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Int, PyTree

from train.task import Task
from train.transforms import resident
from train.windows import count, gather

Chunk = tuple[int, int]  # first step, number of steps
Part = tuple[int, int]  # number of a part, number of equal parts


@runtime_checkable
class Source(Protocol):
    """Random access to examples, each a tree of arrays; where it has ``__getitems__``, many are read by one call."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> PyTree[np.ndarray]: ...


class Feed(NamedTuple):
    """Examples for a compiled chunk of steps.

    ``resident`` stays on the device for the whole run, ``read(chunks)`` yields the elements of each chunk, with leading
    axes [seeds, steps, batch], and ``bind(task, resident)`` is the task that takes one step's elements. With
    ``is_part`` the batch that is read is this process's share of the whole one.
    """

    resident: PyTree
    read: Callable[[Iterable[Chunk]], Iterator[PyTree]]
    bind: Callable[[Task, PyTree], Task]
    is_part: bool = False


def epoch_order(seed: int, epoch: int, size: int) -> Int[np.ndarray, " size"]:
    """The order of the examples in one epoch: ``permutation(size)``, in half of its memory where 32 bits suffice."""
    order = np.arange(size, dtype=np.int32 if size <= 2**31 else np.int64)
    np.random.Generator(np.random.Philox([seed, epoch])).shuffle(order)
    return order


def remembered_orders(seeds: int) -> Callable[[int, int, int], Int[np.ndarray, " size"]]:
    """``epoch_order`` with a memory of two epochs for each seed: a batch lies in one, or straddles two.

    (400 MB each for 10⁸ examples.) Threads that need the same order wait until one of them has drawn it.
    """
    remembered, lock = lru_cache(maxsize=2 * seeds)(epoch_order), threading.Lock()

    def order(seed: int, epoch: int, size: int) -> Int[np.ndarray, " size"]:
        with lock:
            return remembered(seed, epoch, size)

    return order


def example_indices(
    seed: int, size: int, start: int, stop: int, order: Callable = epoch_order
) -> Int[np.ndarray, " positions"]:
    """The examples at positions ``start … stop − 1`` of a run's endless sequence."""
    epochs = range(start // size, -(-max(stop, start + 1) // size))
    within = [(epoch, max(start - epoch * size, 0), stop - epoch * size) for epoch in epochs]
    return np.concatenate([order(seed, epoch, size)[first:last] for epoch, first, last in within])


def take(examples: PyTree | Source, index: Int[np.ndarray, " batch"]) -> PyTree:
    """The examples at ``index`` as arrays, from arrays, ``Windows``, or a random-access source."""
    if isinstance(examples, dict):
        return gather(examples, index)
    places = index.tolist()
    taken = examples.__getitems__(places) if hasattr(examples, "__getitems__") else [examples[i] for i in places]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *taken)


def size_of(examples: PyTree | Source) -> int:
    """How many examples there are."""
    return count(examples) if isinstance(examples, dict) else len(examples)


def resident_feed(examples: PyTree, seeds: Sequence[int], batch: int) -> Feed:
    """Feeds arrays and ``Windows`` that live on the device, gathered by index inside the compiled chunk."""
    size, order = count(examples), remembered_orders(len(seeds))

    def read(chunks: Iterable[Chunk]) -> Iterator[Int[np.ndarray, "seeds steps batch"]]:
        for start, length in chunks:
            positions = start * batch, (start + length) * batch
            yield np.stack([example_indices(seed, size, *positions, order).reshape(length, batch) for seed in seeds])

    return Feed(examples, read, resident)


class _Batches:
    """A source as a run sees it: the batches of its steps, those of all seeds in turn, or one part of each of them."""

    def __init__(self, source: PyTree | Source, seeds: Sequence[int], batch: int, part: Part, steps: range):
        self._source, self._seeds, self._batch, self._part, self._steps = source, seeds, batch, part, steps
        self._size, self._order = size_of(source), remembered_orders(len(seeds))

    def __len__(self) -> int:
        return len(self._steps) * len(self._seeds)

    def __getitem__(self, item: int) -> PyTree:
        step, seed = divmod(item, len(self._seeds))
        number, parts = self._part
        share = self._batch // parts
        first = self._steps[step] * self._batch + number * share
        return take(self._source, example_indices(self._seeds[seed], self._size, first, first + share, self._order))


def _joined(batches: Iterator[PyTree], steps: int, seeds: int) -> PyTree:
    """The next ``steps`` × ``seeds`` batches as arrays [seeds, steps, batch, …]; each is copied once."""
    joined = None
    for step, seed in np.ndindex(steps, seeds):
        batch = next(batches)
        if joined is None:
            joined = jax.tree.map(lambda leaf: np.empty((seeds, steps, *leaf.shape), leaf.dtype), batch)
        jax.tree.map(lambda whole, leaf: _put(whole, (seed, step), leaf), joined, batch)
    return joined


def _put(whole: np.ndarray, place: tuple[int, int], leaf: np.ndarray) -> None:
    """``whole[place] = leaf`` without broadcasting and without a change of type."""
    if (leaf.shape, leaf.dtype) != (whole.shape[2:], whole.dtype):
        expected, found = f"{whole.dtype}{whole.shape[2:]}", f"{leaf.dtype}{leaf.shape}"
        raise ValueError(f"the source's examples differ: expected {expected} as in the batches before, found {found}")
    whole[place] = leaf


def streaming_feed(
    source: PyTree | Source,
    seeds: Sequence[int],
    batch: int,
    *,
    threads: int = 8,
    ahead: int = 16,
    part: Part = (0, 1),
) -> Feed:
    """Feeds a random-access source of any size (or arrays and ``Windows``, also memory-mapped ones) through Grain: the
    same examples in the same order as ``resident_feed``.

    ``threads`` batches are read in parallel, at most ``ahead`` beyond those that were asked for. With ``part`` (i, n)
    only places i·B/n … (i+1)·B/n − 1 of every batch are read. ``ValueError`` where n does not divide B.
    """
    import grain

    number, parts = part
    if batch % parts or not 0 <= number < parts:
        raise ValueError(f"a batch of size {batch} has no part {number} of {parts} equal ones")

    def read(chunks: Iterable[Chunk]) -> Iterator[PyTree]:
        chunks = list(chunks)
        if not chunks:
            return
        (start, _), (last, length) = chunks[0], chunks[-1]
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
        batches = _Batches(source, seeds, batch, part, range(start, last + length))
        reader = iter(grain.MapDataset.source(batches).to_iter_dataset(options))
        for _, length in chunks:
            yield _joined(reader, length, len(seeds))

    return Feed((), read, lambda task, _: task, parts > 1)
