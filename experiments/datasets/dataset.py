"""What a data set is: named splits, the protocol that made them, and what a network must know of them."""

from typing import Any, NamedTuple

import numpy as np

from experiments.datasets.sources import Examples
from experiments.errors import WrongInput
from experiments.numerals import counted

SPLITS = ("train", "valid", "test")


class DataError(WrongInput):
    """The data cannot be had as asked: one line with what was expected, what was found, and what to do next."""


class RawData(NamedTuple):
    """What a reader returns: the splits as published, before binarisation."""

    title: str
    """Name for the protocol, with the version where there is one."""
    splits: dict[str, Examples]
    """The examples of "train", "valid" and "test"."""
    levels: int = 0
    """Number of grey levels of an image; 0 where there are none."""
    classes: int = 0
    """Number of classes; 0 without labels."""
    class_names: tuple[str, ...] = ()
    """What the classes are called, where they have names."""
    symbols: tuple[str, ...] = ()
    """The alphabet of a text."""
    notes: tuple[str, ...] = ()
    """What the protocol says of the splits, such as how they were drawn."""
    remarks: tuple[str, ...] = ()
    """What a person should know before training on them."""


class Dataset(NamedTuple):
    """A data set ready for an experiment."""

    name: str
    """A name that `load` takes, or what was generated."""
    protocol: str
    """In words, for the ledger: the split sizes, how they were drawn, what is trained on, and the binarisation."""
    fingerprint: str
    """What the function `fingerprint` gives for `splits` and `context`."""
    splits: dict[str, Examples]
    """The examples of "train", "valid" and "test"."""
    held_out: str = "valid"
    """The split that is measured while training: "test" where "valid" is trained on."""
    levels: int = 0
    """Grey levels of the images before binarisation: 17 for digits, 256 for 8-bit images; 0 where there are none."""
    classes: int = 0
    """How many classes "label" numbers from 0, as the data set says it or as all its splits show; 0 without labels."""
    class_names: tuple[str, ...] = ()
    """What the classes are called, in the order of their numbers; () where numbers are all they have."""
    symbols: tuple[str, ...] = ()
    """The alphabet of a text: number i stands for the character `symbols[i]`. () where there is no text."""
    context: Any = ()
    """A tree of arrays that no batch divides: the edges of a graph, the faces of a mesh. () where there is none."""
    remarks: tuple[str, ...] = ()
    """What a person should know before training, a sentence each; the caller prints them."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image; DataError where the examples are no images."""
        example = self.head("train", 1)
        if "image" not in example:
            raise DataError(
                f"{self.name} holds {' and '.join(example)}, and this experiment takes images: type --data digits, "
                "or --data folder --data-dir PICTURES for your own"
            )
        return example["image"].shape[1:]

    def head(self, split: str, count: int) -> dict[str, np.ndarray]:
        """The first ``count`` examples of a split, or all where there are fewer, as arrays."""
        examples = self.splits[split]
        if isinstance(examples, dict):
            return {key: array[:count] for key, array in examples.items()}
        first = [examples[index] for index in range(min(count, len(examples)))]
        return {key: np.stack([example[key] for example in first]) for key in first[0]}

    def example(self) -> dict[str, np.ndarray]:
        """One example of zeros, with a leading axis of 1, of a training example's shapes and types: what networks are
        initialised with.
        """
        return {key: np.zeros(array.shape, array.dtype) for key, array in self.head("train", 1).items()}

    def required_classes(self) -> int:
        """`classes`, for an experiment that learns from labels; DataError where there are none."""
        if not self.classes:
            raise DataError(
                f"{self.name} has no labels, and this experiment learns from them: type --data digits, "
                "or --data folder --data-dir PICTURES with one subfolder for each class"
            )
        return self.classes

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's characters in the alphabet; DataError names the first that is not in it."""
        places = {symbol: number for number, symbol in enumerate(self.symbols)}
        if unknown := [symbol for symbol in text if symbol not in places]:
            raise DataError(f"{unknown[0]!r} is no character of {self.name}: its {len(places)} are {''.join(places)!r}")
        return [places[symbol] for symbol in text]

    def whole(self, split: str) -> dict[str, np.ndarray]:
        """All examples of a split at once; DataError where they are streamed, as sets larger than memory are."""
        examples = self.splits[split]
        if not isinstance(examples, dict):
            raise DataError(
                f"{self.name} is streamed, and this experiment needs all {counted(len(examples), 'example')} of its "
                f"{split} split at once: take a smaller data set"
            )
        return examples
