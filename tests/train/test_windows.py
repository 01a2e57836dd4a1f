"""Windows against the same windows cut one by one, on the host, on the device, in a scan and in both feeds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_feed import BATCH, CHUNKINGS, SEED_SETS, assert_same_bits, read_resident

from train.feed import resident_feed, size_of, streaming_feed, take
from train.task import Task, initial_state
from train.transforms import resident, scan
from train.windows import Windows, count, gather

TEXT = np.random.default_rng(0).integers(0, 100, 403).astype(np.uint8)


def cut(sequence: np.ndarray, length: int, stride: int) -> np.ndarray:
    """Every window, by hand."""
    starts = [start for start in range(0, len(sequence), stride) if start + length <= len(sequence)]
    return np.array([sequence[start : start + length] for start in starts], sequence.dtype).reshape(-1, length)


@given(places=st.integers(0, 40), length=st.integers(1, 9), stride=st.integers(1, 9))
def test_they_are_the_windows_cut_by_hand(places, length, stride):
    windows, expected = Windows(TEXT[:places], length, stride), cut(TEXT[:places], length, stride)
    assert (len(windows), windows.shape, windows.dtype) == (len(expected), expected.shape, expected.dtype)
    if len(expected):
        np.testing.assert_array_equal(np.asarray(windows), expected)
        np.testing.assert_array_equal(
            [windows[i] for i in range(-len(expected), len(expected))], [*expected, *expected]
        )
        for out in (len(expected), -len(expected) - 1):
            with pytest.raises(IndexError):
                windows[np.array([0, out])]


INDEX = np.random.default_rng(1).integers(-56, 56, (3, 2, 4)).astype(np.int32)


@pytest.mark.parametrize("index", [5, -1, slice(3, 9), slice(None, None, -7), INDEX], ids=str)
@pytest.mark.parametrize("place", [np.asarray, jnp.asarray, lambda text: jax.jit(lambda x: x)(text)])
def test_they_are_indexed_like_the_array_of_all_of_them(index, place):
    windows, expected = Windows(place(TEXT), 12, 7), cut(TEXT, 12, 7)
    assert len(expected) == 56
    assert_same_bits(np.asarray(windows[index]), expected[index])


def test_they_hold_the_memory_of_the_sequence_alone():
    windows = Windows(TEXT, 65, 1)
    (leaf,) = jax.tree.leaves(windows)
    assert leaf is TEXT
    assert windows.nbytes == TEXT.nbytes == 403
    assert np.asarray(windows).nbytes > 50 * windows.nbytes
    assert np.shares_memory(windows[:9], TEXT)
    on_device = jax.device_put({"symbols": windows})
    assert [leaf.nbytes for leaf in jax.tree.leaves(on_device)] == [403]


def test_a_compiled_scan_gathers_them_without_writing_all_out():
    sequence = np.arange(100_000, dtype=np.int32)
    index = np.random.default_rng(2).integers(0, 1_500, (6, 5)).astype(np.int32)
    state = initial_state(jax.random.key(0), {}, ())
    see = Task(lambda key: state, lambda state, batch: (state, batch))

    @jax.jit
    def steps(data, index):
        return scan(resident(see, data), 6).step(state, index)[1]

    data = {"symbols": Windows(jnp.asarray(sequence), 65, 64), "label": jnp.arange(1_500)}
    seen = steps(data, index)
    np.testing.assert_array_equal(seen["symbols"], cut(sequence, 65, 64)[index])
    np.testing.assert_array_equal(seen["label"], index)
    memory = steps.lower(data, index).compile().memory_analysis()
    assert memory.temp_size_in_bytes < sequence.nbytes / 4, "neither the windows nor the sequence is copied"


@pytest.mark.parametrize("seeds", SEED_SETS)
@pytest.mark.parametrize("chunks", CHUNKINGS[:3])
@pytest.mark.parametrize("kind", ["in memory", "memory-mapped"])
def test_both_feeds_give_the_bits_of_arrays(kind, chunks, seeds, tmp_path):
    np.save(tmp_path / "text.npy", TEXT)
    text = TEXT if kind == "in memory" else np.load(tmp_path / "text.npy", mmap_mode="r")
    windows, written_out = {"symbols": Windows(text, 12, 7)}, {"symbols": cut(TEXT, 12, 7)}
    expected = read_resident(written_out, seeds, chunks)
    assert_same_bits(read_resident(windows, seeds, chunks), expected)
    assert_same_bits(list(streaming_feed(windows, seeds, BATCH).read(chunks)), expected)


def test_an_epoch_is_a_pass_over_the_sequence():
    sequence = np.arange(6 * 7 + 1, dtype=np.int32)
    windows = {"symbols": Windows(sequence, 8, 7)}
    assert size_of(windows) == 6
    (index,) = resident_feed(windows, (3,), 6).read([(4, 1)])
    predicted = np.sort(take(windows, index[0, 0])["symbols"][:, 1:].ravel())
    np.testing.assert_array_equal(predicted, sequence[1:])


def test_gathering_and_counting_treat_them_as_arrays():
    examples = {"symbols": Windows(TEXT, 12, 7), "label": np.arange(56)}
    assert count(examples) == 56
    assert_same_bits(gather(examples, INDEX), {"symbols": cut(TEXT, 12, 7)[INDEX], "label": np.arange(56)[INDEX]})
    with pytest.raises(ValueError, match=r"must share axis 0, got lengths \[55, 56\]"):
        count(examples | {"label": np.arange(55)})
