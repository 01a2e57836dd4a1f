"""Oracles of the streaming feed: the bits of the resident one from any source, in parts too, in flat memory."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest
from test_feed import BATCH, CHUNKINGS, SEED_SETS, Source, arrays, assert_same_bits, read_resident

import train.feed
from train.feed import epoch_order, streaming_feed, take

ROOT = Path(__file__).parents[2]


class BatchedSource:
    """Examples that can only be had many at once; remembers how many were asked for each time."""

    def __init__(self, examples: dict[str, np.ndarray]):
        self.examples, self.asked = examples, []

    def __len__(self) -> int:
        return len(self.examples["label"])

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        raise AssertionError("read one by one")

    def __getitems__(self, indices: list[int]) -> list[dict[str, np.ndarray]]:
        assert type(indices) is list  # array_record refuses arrays
        self.asked.append(len(indices))
        return [{name: leaf[index] for name, leaf in self.examples.items()} for index in indices]


def memory_mapped(examples: dict[str, np.ndarray], folder: Path) -> dict[str, np.ndarray]:
    for name, leaf in examples.items():
        np.save(folder / f"{name}.npy", leaf)
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in examples}


@pytest.mark.parametrize("seeds", SEED_SETS)
@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("kind", ["arrays", "memory-mapped", "read one by one", "read many at once"])
def test_every_kind_of_source_gives_the_bits_of_the_resident_feed(kind, chunks, seeds, tmp_path):
    examples = arrays(23)
    source = {
        "arrays": lambda: examples,
        "memory-mapped": lambda: memory_mapped(examples, tmp_path),
        "read one by one": lambda: Source(examples),
        "read many at once": lambda: BatchedSource(examples),
    }[kind]()
    streamed = list(streaming_feed(source, seeds, BATCH).read(chunks))
    assert_same_bits(streamed, read_resident(examples, seeds, chunks))
    assert {type(leaf) for leaf in jax.tree.leaves(streamed)} == {np.ndarray}


def test_a_batch_is_one_call_of_a_source_that_reads_many_at_once():
    source = BatchedSource(arrays(23))
    list(streaming_feed(source, (0, 1), BATCH).read([(2, 3), (5, 4)]))
    assert source.asked == [BATCH] * 14
    assert_same_bits(take(source, np.array([4, 1])), take(source.examples, np.array([4, 1])))


@pytest.mark.parametrize("parts", [1, 2, 4])
@pytest.mark.parametrize("seeds", SEED_SETS)
def test_parts_of_the_batches_concatenate_to_the_whole(parts, seeds):
    batch, chunks = 8, [(3, 2), (5, 4)]
    whole = list(streaming_feed(arrays(23), seeds, batch).read(chunks))
    sources = [Source(arrays(23)) for _ in range(parts)]
    feeds = [streaming_feed(source, seeds, batch, part=(i, parts)) for i, source in enumerate(sources)]
    read = [list(feed.read(chunks)) for feed in feeds]
    assert_same_bits(jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=2), *read), whole)
    assert [source.asked for source in sources] == [6 * len(seeds) * batch // parts] * parts
    assert [feed.is_part for feed in feeds] == [parts > 1] * parts


@pytest.mark.parametrize("part", [(0, 3), (1, 5), (2, 2), (-1, 2)])
def test_a_part_that_a_batch_does_not_have_is_refused(part):
    with pytest.raises(ValueError, match="a batch of size 8 has no part"):
        streaming_feed(arrays(23), (0,), 8, part=part)


@pytest.mark.parametrize("odd", [np.zeros((1, 3), np.float32), np.zeros((2, 3), np.float64)])
def test_examples_of_another_shape_or_type_are_refused_rather_than_stretched(odd):
    class Uneven:
        def __len__(self) -> int:
            return 8

        def __getitem__(self, index: int) -> dict[str, np.ndarray]:
            return {"x": odd if index == epoch_order(0, 0, 8)[5] else np.zeros((2, 3), np.float32)}

    with pytest.raises(ValueError, match=r"expected float32\(1, 2, 3\)"):
        list(streaming_feed(Uneven(), (0,), 1).read([(0, 8)]))


def test_an_order_is_drawn_once_an_epoch_however_many_threads_need_it(monkeypatch):
    drawn = Counter()

    def draw(*epoch: int) -> np.ndarray:
        drawn[epoch] += 1
        time.sleep(0.02)  # long enough for all threads to arrive
        return epoch_order(*epoch)

    monkeypatch.setattr(train.feed, "epoch_order", draw)
    size, seeds = 97, (3, 4, 5)
    list(streaming_feed(arrays(size), seeds, BATCH).read([(0, 50), (50, 8)]))
    assert drawn == {(seed, epoch, size): 1 for seed in seeds for epoch in range(3)}


STREAM_FOR_LONG = """
import sys
import jax
import numpy as np
from train.feed import streaming_feed

class Generated:
    def __len__(self):
        return 2**20

    def __getitem__(self, index):
        return {"x": np.full(2**14, index, np.float32)}

def anonymous_megabytes():  # without the pages of mapped files, which the system takes back when it needs them
    (line,) = [line for line in open("/proc/self/status") if line.startswith("RssAnon")]
    return int(line.split()[1]) / 1024

chunks, source = int(sys.argv[1]), {"x": np.load(sys.argv[2], mmap_mode="r")} if sys.argv[2:] else Generated()
total = jax.jit(lambda chunk: chunk["x"].sum())
for number, chunk in enumerate(streaming_feed(source, (0, 1), 4).read([(2 * n, 2) for n in range(chunks)])):
    total(jax.device_put(chunk)).block_until_ready()
    if number in (chunks // 4, chunks - 1):
        print(anonymous_megabytes())
"""


def megabytes_early_and_late(*arguments: object) -> tuple[float, float]:
    command = [sys.executable, "-c", STREAM_FOR_LONG, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    early, late = map(float, result.stdout.split())
    return early, late


def test_memory_stays_flat_however_much_is_streamed():
    # 64 GB of examples. A chunk has 1 MB, what is read ahead 4 MB; 300 MB are streamed between the two looks.
    early, late = megabytes_early_and_late(400)
    assert late < early + 40


def test_a_memory_mapped_file_is_not_loaded(tmp_path):
    # A sparse file of 8 GB.
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (2**17, 2**14))
    _, late = megabytes_early_and_late(8, tmp_path / "x.npy")
    assert late < 600
