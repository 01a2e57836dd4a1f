"""Oracles of ``train/feed.py``: the law of position, and one order for resident and for streaming data."""

import itertools
import threading
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.feed import epoch_order, example_indices, remembered_orders, resident_feed, size_of, streaming_feed, take
from train.task import Task, initial_state

BATCH = 5
SEED_SETS = [(0,), (7, 3, 9)]
CHUNKINGS = [
    [(0, 12)],
    [(0, 1), (1, 4), (5, 7)],
    [(3, 2), (5, 1), (6, 6)],
    [(300, 3), (303, 9)],
]

seeds_ = st.integers(0, 2**31 - 1)
sizes = st.integers(1, 40)


def arrays(size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(size)
    return {
        "image": rng.standard_normal((size, 2, 3)).astype(np.float32),
        "label": rng.integers(0, 9, size).astype(np.int32),
        "byte": rng.integers(0, 256, (size, 4)).astype(np.uint8),
    }


class Source(Sequence):
    """Random access to examples, one dictionary each, counting what is asked for."""

    def __init__(self, examples: dict[str, np.ndarray], broken: int | None = None):
        self.examples, self.broken, self.asked, self._lock = examples, broken, 0, threading.Lock()

    def __len__(self) -> int:
        return len(self.examples["label"])

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if index == self.broken:
            raise OSError(f"example {index} cannot be read")
        with self._lock:
            self.asked += 1
        return {name: leaf[index] for name, leaf in self.examples.items()}


def read_resident(examples: dict, seeds: tuple[int, ...], chunks: list) -> list:
    """The examples that a task bound to the resident feed sees, chunk by chunk."""
    feed = resident_feed(examples, seeds, BATCH)
    state = initial_state(jax.random.key(0), {}, ())
    see = feed.bind(Task(lambda key: state, lambda state, batch: (state, batch)), jax.device_put(feed.resident)).step
    return [jax.tree.map(np.asarray, see(state, jnp.asarray(indices))[1]) for indices in feed.read(chunks)]


def assert_same_bits(left, right) -> None:
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes())


@given(seed=seeds_, epoch=st.integers(0, 1000), size=sizes)
def test_epoch_order_is_the_permutation_of_philox_keyed_by_seed_and_epoch(seed, epoch, size):
    order = np.random.Generator(np.random.Philox([seed, epoch])).permutation(size)
    np.testing.assert_array_equal(epoch_order(seed, epoch, size), order)
    assert epoch_order(seed, epoch, size).dtype == np.int32


@given(seed=seeds_, size=sizes, batch=st.integers(1, 50), first=st.integers(0, 300), length=st.integers(1, 20))
def test_step_takes_the_positions_of_the_law(seed, size, batch, first, length):
    def example(position: int) -> int:
        epoch, entry = divmod(position, size)
        return np.random.Generator(np.random.Philox([seed, epoch])).permutation(size)[entry]

    (indices,) = resident_feed({"x": np.zeros(size, np.float32)}, [seed], batch).read([(first, length)])
    expected = [[example(step * batch + place) for place in range(batch)] for step in range(first, first + length)]
    np.testing.assert_array_equal(indices[0], expected)


@given(seed=seeds_, size=sizes, epochs=st.integers(1, 6))
def test_every_example_is_taken_once_an_epoch_though_batches_straddle(seed, size, epochs):
    batch = 7
    steps = -(-epochs * size // batch)
    feed = resident_feed({"x": np.zeros(size, np.float32)}, [seed], batch)
    taken = np.concatenate([indices[0].reshape(-1) for indices in feed.read((step, 1) for step in range(steps))])
    np.testing.assert_array_equal(np.bincount(taken[: epochs * size], minlength=size), np.full(size, epochs))


@given(data=st.data(), seed=seeds_, size=sizes)
def test_any_cut_of_a_range_of_positions_joins_to_the_range(data, seed, size):
    a, b, c = sorted(data.draw(st.lists(st.integers(0, 5 * size), min_size=3, max_size=3, unique=True)))
    parts = [example_indices(seed, size, a, b), example_indices(seed, size, b, c)]
    np.testing.assert_array_equal(np.concatenate(parts), example_indices(seed, size, a, c))


@pytest.mark.parametrize("start", [0, 3, 10, 20])
def test_an_empty_range_of_positions_has_no_examples(start):
    assert example_indices(0, 10, start, start).tolist() == []


def test_epochs_and_seeds_have_different_orders():
    orders = [tuple(epoch_order(seed, epoch, 50)) for seed in range(6) for epoch in range(6)]
    assert len(set(orders)) == len(orders)


def test_reading_does_not_give_away_the_remembered_order():
    order = remembered_orders(1)
    before = order(11, 0, 10).copy()
    example_indices(11, 10, 0, 10, order)[:] = -1
    assert order(11, 0, 10) is order(11, 0, 10)
    np.testing.assert_array_equal(order(11, 0, 10), before)


@pytest.mark.parametrize("seeds", SEED_SETS)
@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("size", [7, 23])
def test_streaming_and_resident_feeds_give_the_same_bits_in_the_same_order(seeds, chunks, size):
    examples = arrays(size)
    streamed = list(streaming_feed(Source(examples), seeds, BATCH, threads=4).read(chunks))
    gathered = read_resident(examples, seeds, chunks)
    assert [leaf.shape[:3] for leaf in jax.tree.leaves(streamed[0])] == [(len(seeds), chunks[0][1], BATCH)] * 3
    assert_same_bits(streamed, gathered)


@pytest.mark.parametrize("chunks", CHUNKINGS)
def test_chunking_does_not_change_what_is_streamed(chunks):
    start, steps = chunks[0][0], sum(length for _, length in chunks)
    feed = streaming_feed(Source(arrays(23)), (4, 5), BATCH)
    whole = next(feed.read([(start, steps)]))
    parts = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *feed.read(chunks))
    assert_same_bits(parts, whole)


def test_each_seed_of_a_stream_sees_what_it_would_see_alone():
    examples, seeds, chunks = arrays(23), (2, 9, 4), [(6, 3), (9, 4)]
    together = list(streaming_feed(Source(examples), seeds, BATCH).read(chunks))
    for place, seed in enumerate(seeds):
        alone = list(streaming_feed(Source(examples), (seed,), BATCH).read(chunks))
        assert_same_bits(jax.tree.map(lambda leaf, p=place: leaf[p : p + 1], together), alone)


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize("ahead", [0, 5])
def test_threads_and_look_ahead_do_not_change_what_is_streamed(threads, ahead):
    examples, chunks = arrays(23), [(2, 4), (6, 3)]
    streamed = list(streaming_feed(Source(examples), (1, 2), BATCH, threads=threads, ahead=ahead).read(chunks))
    assert_same_bits(streamed, read_resident(examples, (1, 2), chunks))


def test_a_source_needs_only_a_length_and_items():
    class Bare:
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> dict[str, int]:
            return {"x": index}

    (streamed,) = streaming_feed(Bare(), (0,), 3).read([(0, 2)])
    np.testing.assert_array_equal(streamed["x"].reshape(-1), epoch_order(0, 0, 6))
    np.testing.assert_array_equal(take(Bare(), np.array([4, 1]))["x"], [4, 1])


def test_nothing_is_read_where_nothing_is_asked():
    source = Source(arrays(23))
    assert list(streaming_feed(source, (0,), BATCH).read([])) == []
    assert source.asked == 0


@pytest.mark.parametrize("ahead", [0, 2, 6])
def test_streaming_reads_at_most_ahead_batches_beyond_the_consumed(ahead):
    source, seeds, threads = Source(arrays(500)), (0, 1), 2
    reader = streaming_feed(source, seeds, BATCH, threads=threads, ahead=ahead).read([(t, 1) for t in range(200)])
    step = len(seeds) * BATCH
    for consumed, _ in enumerate(itertools.islice(reader, 20), start=1):
        threading.Event().wait(0.01)  # time for readers that do not know when to stop
        assert consumed * step <= source.asked <= consumed * step + ahead * BATCH
    reader.close()


def test_an_error_in_the_source_reaches_the_reader_after_the_steps_before_it():
    position = 31
    broken = int(example_indices(0, 100, position, position + 1)[0])
    reader = streaming_feed(Source(arrays(100), broken=broken), (0,), BATCH).read([(t, 1) for t in range(20)])
    good, caught = [], []

    def consume() -> None:
        try:
            good.extend(reader)
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=consume, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert f"example {broken} cannot be read" in str(caught[0])
    assert len(good) == position // BATCH


def test_take_from_a_source_equals_take_from_arrays():
    examples, index = arrays(23), np.array([22, 0, 0, 7])
    expected = {name: np.stack([leaf[i] for i in index]) for name, leaf in examples.items()}
    assert_same_bits(take(examples, index), expected)
    assert_same_bits(take(Source(examples), index), expected)


def test_size_of_counts_examples_of_arrays_and_of_sources():
    assert (size_of(arrays(23)), size_of(Source(arrays(23)))) == (23, 23)
