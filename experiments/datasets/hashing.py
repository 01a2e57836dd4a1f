"""The fingerprint of a data set: two sets with the same one have the same examples in the same order."""

import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets.sources import Examples


def fingerprint(splits: dict[str, Examples], context: Any = ()) -> str:
    """The string "sha256:<hex>" over the names, dtypes, shapes and bytes of all arrays of all splits, in sorted order,
    then of the arrays of `context`.

    Of windows: over the sequence, length and stride. Of a random-access source: over its name, its length, and the
    size and SHA-256 of every one of its files; where it has none, over all its examples. Files are read whole each
    time, block by block, and nothing is remembered of them.
    """
    digest, digest_of = hashlib.sha256(), functools.cache(_file_digest)
    for split, examples in sorted(splits.items()):
        for chunk in _chunks(split, examples, digest_of):
            digest.update(chunk)
    for chunk in _context_chunks(context):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _chunks(where: str, examples: Examples, digest_of: Callable[[Path], str]) -> Iterator[bytes | memoryview]:
    """What is hashed of one split: before the bytes of each array a line that says how many follow."""
    if isinstance(examples, dict):
        for key, array in sorted(examples.items()):
            yield from _array_chunks(f"{where}/{key}", array)
        return
    yield f"{where}: {examples.name}, {len(examples)} examples\n".encode()
    for path in examples.files:
        yield f"{digest_of(path)}\n".encode()
    for index in range(0 if examples.files else len(examples)):
        yield from _chunks(f"{where}[{index}]", examples[index], digest_of)


def _array_chunks(name: str, array: Any) -> Iterator[bytes | memoryview]:
    if not isinstance(array, np.ndarray | np.generic):
        name, array = f"{name} in windows of {array.length} every {array.stride}:", array.sequence
    yield f"{name} {array.dtype.str} {array.shape}\n".encode()
    yield np.ascontiguousarray(array).data


def _context_chunks(context: Any) -> Iterator[bytes | memoryview]:
    if isinstance(context, tuple) and not context:
        return
    from jax.tree_util import keystr, tree_leaves_with_path

    for path, leaf in tree_leaves_with_path(context):
        yield from _array_chunks(f"context{keystr(path)}", np.asarray(leaf))


def _file_digest(path: Path) -> str:
    """The size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return f"{file.tell()} {digest.hexdigest()}"
