"""The examples of a split: arrays, windows into a sequence, or a source of single examples too many to hold."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from train.windows import Windows

IN_MEMORY_BYTES = 2**30
"""Data sets whose float32 images are smaller than this become arrays; larger ones are streamed."""


@runtime_checkable
class RandomAccessSource(Protocol):
    """A sequence of examples; `name` says where they come from, version included, `files` where they lie."""

    name: str
    files: tuple[Path, ...]

    def __len__(self) -> int:
        """The number of examples."""

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Example `index`; raises IndexError outside 0 ≤ index < len."""


Examples = dict[str, "np.ndarray | Windows"] | RandomAccessSource
"""The examples of a split: arrays (or `train.windows.Windows`) that share axis 0, or a source of single examples."""


@dataclass(frozen=True)
class ConcatenatedSource:
    """The examples of `first`, then those of `second`."""

    first: RandomAccessSource
    second: RandomAccessSource

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first.name} + {self.second.name}"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of both."""
        return self.first.files + self.second.files

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        boundary = len(self.first)
        return self.first[index] if index < boundary else self.second[index - boundary]


@dataclass(frozen=True)
class SelectedSource:
    """The examples of `source` at `places`, in their order."""

    source: RandomAccessSource
    places: np.ndarray
    which: str
    """The places in words."""

    @property
    def name(self) -> str:
        """The source's name and which of its examples these are."""
        return f"{self.source.name} {self.which}"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the source."""
        return self.source.files

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name}: expected 0 <= index < {len(self)}, found {index}")
        return self.source[int(self.places[index])]


def size(examples: Examples) -> int:
    """The number of examples, in memory or streamed."""
    return len(next(iter(examples.values()))) if isinstance(examples, dict) else len(examples)


def select(examples: Examples, places: np.ndarray | slice, which: str) -> Examples:
    """The examples at `places`, which the name of a source calls `which`."""
    if isinstance(examples, dict):
        return {key: array[places] for key, array in examples.items()}
    return SelectedSource(examples, np.arange(len(examples))[places], which)


def concatenate(first: Examples, second: Examples) -> Examples:
    """`first` followed by `second`, both in memory or both streamed.

    Windows become those of the joined sequence, in which one may lie across the seam.
    """
    if isinstance(first, dict):
        return {key: _join(first[key], second[key]) for key in first}
    return ConcatenatedSource(first, second)


def _join(first: "np.ndarray | Windows", second: "np.ndarray | Windows") -> "np.ndarray | Windows":
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    return dataclasses.replace(first, sequence=np.concatenate([first.sequence, second.sequence]))


def held(published: dict[str, RandomAccessSource], shape: tuple[int, ...]) -> dict[str, Examples]:
    """The sources of a data set with images of `shape` as arrays, if all of these are smaller than IN_MEMORY_BYTES."""
    if sum(map(len, published.values())) * math.prod(shape) * 4 < IN_MEMORY_BYTES:
        return {split: in_memory(source) for split, source in published.items()}
    return dict(published)


def in_memory(source: RandomAccessSource) -> dict[str, np.ndarray]:
    """Every example of a source that is not empty, stacked along a new axis 0."""
    stacked = {key: np.empty((len(source), *array.shape), array.dtype) for key, array in source[0].items()}
    for index in range(len(source)):
        for key, array in source[index].items():
            stacked[key][index] = array
    return stacked
