"""Texts as numbers of characters, read in windows."""

import platform
from pathlib import Path
from typing import Literal

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData

TENTHS_TRAINED_ON = 9
"""The first nine tenths are trained on, as by nanoGPT."""
LONGEST = 2**31 - 1
"""Characters that 32-bit positions can number."""


def read_text(
    path: Path | None, *, length: int, stride: int | None = None, split: Literal["90/5/5", "90/10"] = "90/5/5"
) -> RawData:
    """The characters of a UTF-8 text as windows: "symbols" [windows, `length` + 1], numbers in the sorted alphabet.

    The alphabet is that of the whole text. The first 90 % are for training, the next 5 % for validation, the last 5 %
    for the test, each a contiguous part; with the `split` 90/10, as by nanoGPT, the last 10 % are both. A window's
    first `length` symbols are to be read and its last `length` to be predicted. Windows begin every `stride` places, by
    default `length`: then an epoch predicts every symbol once, but for the first of a part and a rest shorter than a
    window at its end. Only training windows follow `stride`; 1 gives every window, as nanoGPT draws them.

    Numbers are uint8 for alphabets up to 256 characters, else int32; what takes memory is the text, not its windows.

    Without a `path` the text is the help that ships with Python (`pydoc_data.topics`), its topics in the order of their
    names; it differs between versions of Python, which the title names.

    Raises DataError if the file cannot be read, is not UTF-8, or has a part that is too short for a window.
    """
    from train.windows import Windows

    title, text = _python_help() if path is None else (f"text {path.name}", _contents(path))
    numbers, alphabet = encode(text)
    boundaries = [len(numbers) * TENTHS_TRAINED_ON // 10, len(numbers) * (10 + TENTHS_TRAINED_ON) // 20]
    parts = dict(zip(SPLITS, np.split(numbers, boundaries), strict=True))
    if split == "90/10":
        parts |= dict.fromkeys(("valid", "test"), numbers[boundaries[0] :])
    shortest = min(parts, key=lambda name: len(parts[name]))
    if len(parts[shortest]) <= length:
        raise DataError(
            f"{title}: windows of {length} + 1 characters do not fit its {shortest} part of {len(parts[shortest])}: "
            f"take a text of at least {20 * (length + 2):,} characters, or shorter windows"
        )
    splits = {
        name: {"symbols": Windows(part, length + 1, (stride or length) if name == "train" else length)}
        for name, part in parts.items()
    }
    notes = [
        f"windows of {length} + 1 of {len(text):,} characters, {len(alphabet)} of them different",
        f"split {split}",
    ]
    if stride not in (None, length):
        notes.append(f"training windows every {stride}")
    return RawData(title, splits, symbols=tuple(alphabet), notes=tuple(notes))


def encode(text: str) -> tuple[np.ndarray, str]:
    """The numbers [characters] of a text's characters in its sorted alphabet, and this alphabet.

    uint8 where 256 numbers suffice, else int32.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    occurs = np.zeros(0x110000, bool)
    occurs[points] = True
    present = np.flatnonzero(occurs)
    number = np.zeros(len(occurs), np.uint8 if len(present) <= 256 else np.int32)
    number[present] = np.arange(len(present))
    return number[points], "".join(map(chr, present))


def _python_help() -> tuple[str, str]:
    from pydoc_data.topics import topics

    return f"help of Python {platform.python_version()}", "".join(topics[name] for name in sorted(topics))


def _contents(path: Path) -> str:
    """The text of a file, line ends as they stand and without a byte order mark."""
    if path.is_dir():
        texts = sorted(each.name for each in path.glob("*.txt"))
        advice = f"type --data-dir {path / texts[0]}" if texts else "--data-dir names the file itself"
        raise DataError(f"{path}: expected a text file, found a folder; {advice}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: no such file; --data-dir names a text file, or leave it out for Python's help"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start:,} is not UTF-8; convert it: iconv -f latin1 -t utf-8 {path.name} > utf8.txt"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give a text file that you may read") from error
    if len(text) > LONGEST:
        raise DataError(f"{path}: {len(text):,} characters, at most {LONGEST:,} can be numbered; cut the file")
    return text
