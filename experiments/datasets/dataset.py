"""What a data set is: named splits, the protocol that made them, and a fingerprint of their bytes."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from experiments.datasets.sources import Examples
from experiments.errors import WrongInput

SPLITS = ("train", "valid", "test")


class DataError(WrongInput):
    """The data cannot be had as asked: one line with what was expected, what was found, and what to do next."""


class RawData(NamedTuple):
    """What a reader returns: the splits as published, before binarisation."""

    title: str
    """Name for the protocol, with the version where there is one."""
    splits: dict[str, Examples]
    """The examples of "train", "valid" and "test"."""
    levels: int
    """Number of grey levels of an image."""


class Dataset(NamedTuple):
    """A data set ready for an experiment."""

    name: str
    """One of "digits", "mnist", "idx" and "tfds:NAME", or what was generated."""
    protocol: str
    """In words, for the ledger: the split sizes, what is trained on, and the binarisation."""
    fingerprint: str
    """What the function `fingerprint` gives for `splits`."""
    splits: dict[str, Examples]
    """The examples of "train", "valid" and "test"."""
    held_out: str = "valid"
    """The split that is measured while training: "test" where "valid" is trained on."""
    levels: int = 0
    """Grey levels of the images before binarisation: 17 for digits, 256 for 8-bit images; 0 where there are none."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.head("train", 1)["image"].shape[1:]

    @property
    def classes(self) -> int:
        """How many classes the labels of all splits tell apart; 0 where there are none."""
        labels = [self.head(split, 60_000).get("label", np.zeros(0, np.int32)) for split in SPLITS]
        return int(np.max(np.concatenate(labels), initial=-1)) + 1

    def example(self) -> dict[str, np.ndarray]:
        """One example with a leading axis of 1, all zeros: what a network is initialised with."""
        return {name: np.zeros_like(array) for name, array in self.head("train", 1).items()}

    def head(self, split: str, count: int) -> dict[str, np.ndarray]:
        """The first ``count`` examples of a split, or all where there are fewer, as arrays."""
        examples = self.splits[split]
        if isinstance(examples, dict):
            return {key: array[:count] for key, array in examples.items()}
        first = [examples[index] for index in range(min(count, len(examples)))]
        return {key: np.stack([example[key] for example in first]) for key in first[0]}


def fingerprint(splits: dict[str, Examples]) -> str:
    """The string "sha256:<hex>" over the names, dtypes, shapes and bytes of all arrays of all splits, in sorted order.

    Of a random-access source: over its name, its length, and its first and last example.
    """
    digest = hashlib.sha256()
    for split, examples in sorted(splits.items()):
        for chunk in _chunks(split, examples):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _chunks(where: str, examples: Examples) -> Iterator[bytes | memoryview]:
    """What is hashed of one split: before the bytes of each array a line that says how many follow."""
    if isinstance(examples, dict):
        for key, array in sorted(examples.items()):
            yield f"{where}/{key} {array.dtype.str} {array.shape}\n".encode()
            yield np.ascontiguousarray(array).data
    else:
        yield f"{where}: {examples.name}, {len(examples)} examples\n".encode()
        for index in (0, len(examples) - 1):
            yield from _chunks(f"{where}[{index}]", examples[index])


def training_size(count: int, where: object) -> int:
    """How many of `count` training examples stay for training when the last sixth is held out for validation.

    One sixth is MNIST's customary 50,000 / 10,000. Raises DataError, naming `where`, if nothing can be held out.
    """
    held_out = count // 6
    if held_out == 0:
        raise DataError(f"{where}: expected at least 6 training examples, of which a sixth is held out, found {count}")
    return count - held_out
