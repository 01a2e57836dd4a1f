"""Texts: every character comes back, parts are contiguous, and windows are not written out."""

import platform
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.datasets import DataError, load
from experiments.datasets.text.characters import encode, read_text

SENTENCE = "Größe: 3 × 4 = 12 €\r\n𝔸 line, and one more.\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A text of 4,300 characters, some of them beyond the first 65,536 code points."""
    path = tmp_path / "book.txt"
    path.write_bytes((SENTENCE * 100).encode())
    return path


def spoken(symbols: tuple[str, ...], numbers: np.ndarray) -> str:
    return "".join(symbols[number] for number in numbers)


@given(text=st.text())
def test_every_character_comes_back_from_its_number(text: str) -> None:
    numbers, alphabet = encode(text)
    assert spoken(tuple(alphabet), numbers) == text
    assert alphabet == "".join(sorted(set(text)))
    assert numbers.dtype == np.uint8


def test_alphabets_beyond_256_characters_take_32_bits() -> None:
    for count, dtype in ((256, np.uint8), (257, np.int32)):
        text = "".join(map(chr, range(0x4E00, 0x4E00 + count)))
        numbers, _ = encode(text)
        assert numbers.dtype == dtype
        np.testing.assert_array_equal(numbers, np.arange(count))


def test_a_text_file_becomes_contiguous_parts_of_90_5_and_5_percent(book: Path) -> None:
    dataset, text = load("text", data_dir=book, length=16), SENTENCE * 100
    count = len(text)
    assert dataset.symbols == tuple(sorted(set(SENTENCE)))
    assert (dataset.levels, dataset.classes, dataset.remarks) == (0, 0, ())
    bounds = [0, int(0.9 * count), int(0.95 * count), count]
    for (start, stop), split in zip(pairwise(bounds), ("train", "valid", "test"), strict=True):
        windows = dataset.splits[split]["symbols"]
        assert spoken(dataset.symbols, windows.sequence) == text[start:stop]
        assert (windows.length, windows.stride) == (17, 16)
        assert spoken(dataset.symbols, windows[1]) == text[start + 16 : start + 33]
    assert dataset.protocol == (
        f"text book.txt {'/'.join(str(len(dataset.splits[s]['symbols'])) for s in ('train', 'valid', 'test'))}, "
        f"windows of 16 + 1 of {count:,} characters, {len(set(SENTENCE))} of them different, split 90/5/5"
    )


def test_an_epoch_predicts_every_character_of_training_once(book: Path) -> None:
    raw = read_text(book, length=16)
    windows = raw.splits["train"]["symbols"]
    predicted = np.asarray(windows)[:, 1:].ravel()
    np.testing.assert_array_equal(predicted, windows.sequence[1 : 1 + len(predicted)])
    assert len(windows.sequence) - 1 - len(predicted) < 16


def test_a_stride_of_one_gives_every_training_window_and_no_other_held_out_ones(book: Path) -> None:
    raw, sparse = read_text(book, length=16, stride=1), read_text(book, length=16)
    windows = raw.splits["train"]["symbols"]
    assert len(windows) == len(windows.sequence) - 16
    assert len(raw.splits["valid"]["symbols"]) == len(sparse.splits["valid"]["symbols"])
    assert "training windows every 1" in raw.notes
    assert windows.nbytes == sparse.splits["train"]["symbols"].nbytes


def test_training_on_train_and_valid_reads_on_over_the_seam(book: Path) -> None:
    apart = load("text", data_dir=book, length=16).splits
    together = load("text", data_dir=book, length=16, train_on="train+valid")
    expected = np.concatenate([apart["train"]["symbols"].sequence, apart["valid"]["symbols"].sequence])
    np.testing.assert_array_equal(together.splits["train"]["symbols"].sequence, expected)
    assert f"trained on train+valid ({len(together.splits['train']['symbols'])})" in together.protocol


def test_the_last_tenth_can_be_both_validation_and_test(book: Path) -> None:
    thirds, halves = load("text", data_dir=book, length=16), load("text", data_dir=book, length=16, split="90/10")
    train, valid, test = (halves.splits[split]["symbols"].sequence for split in ("train", "valid", "test"))
    np.testing.assert_array_equal(train, thirds.splits["train"]["symbols"].sequence)
    rest = np.concatenate([thirds.splits[split]["symbols"].sequence for split in ("valid", "test")])
    np.testing.assert_array_equal(valid, rest)
    np.testing.assert_array_equal(test, rest)
    assert "split 90/10" in halves.protocol
    with pytest.raises(DataError, match=r"leave out --train-on train\+valid"):
        load("text", data_dir=book, length=16, split="90/10", train_on="train+valid")


def test_without_a_file_the_text_is_the_help_of_this_python() -> None:
    from pydoc_data.topics import topics

    dataset = load("text", data_dir=None)
    text = "".join(topics[name] for name in sorted(topics))
    parts = [dataset.splits[split]["symbols"].sequence for split in ("train", "valid", "test")]
    assert spoken(dataset.symbols, np.concatenate(parts)) == text
    assert dataset.protocol.startswith(f"help of Python {platform.python_version()} ")
    assert sum(part.nbytes for part in parts) == len(text), "a byte for each character"
    assert load("text", data_dir=None).fingerprint == dataset.fingerprint


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"too short", "windows of 64 [+] 1 characters do not fit its valid part of 0: .*at least 1,320 characters"),
        (b"", "do not fit its train part of 0"),
        (b"caf\xe9" * 999, "byte 3 is not UTF-8; convert it: iconv"),
    ],
)
def test_what_is_no_usable_text_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        load("text", data_dir=path)


def test_a_text_of_the_advised_length_is_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "just.txt"
    path.write_text("ab" * 660)
    assert load("text", data_dir=path).protocol.startswith("text just.txt 18/1/1")


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    path = tmp_path / "marked.txt"
    path.write_bytes("ab".encode("utf-8-sig") + b"ab" * 999)
    assert load("text", data_dir=path).symbols == ("a", "b")


def test_a_folder_or_a_missing_file_says_what_to_type(book: Path) -> None:
    with pytest.raises(DataError, match=f"found a folder; type --data-dir {book}"):
        load("text", data_dir=book.parent)
    with pytest.raises(DataError, match="no such file; --data-dir names a text file"):
        load("text", data_dir=book.parent / "nowhere.txt")
    with pytest.raises(DataError, match="text has no images to binarise"):
        load("text", data_dir=book, binarization="static")


def test_it_is_read_without_training() -> None:
    code = "import sys; from experiments.datasets.text import characters; print('jax' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"
