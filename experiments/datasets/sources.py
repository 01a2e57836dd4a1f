"""Random-access sources: data sets too large to hold, one example at a time."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class RandomAccessSource(Protocol):
    """A sequence of examples; `name` says where they come from, version included."""

    name: str

    def __len__(self) -> int:
        """The number of examples."""

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Example `index`; raises IndexError outside 0 ≤ index < len."""


Examples = dict[str, np.ndarray] | RandomAccessSource
"""The examples of a split: arrays that share axis 0, or a source of single examples."""


@dataclass(frozen=True)
class ConcatenatedSource:
    """The examples of `first`, then those of `second`."""

    first: RandomAccessSource
    second: RandomAccessSource

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first.name} + {self.second.name}"

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        boundary = len(self.first)
        return self.first[index] if index < boundary else self.second[index - boundary]


def concatenate(first: Examples, second: Examples) -> Examples:
    """`first` followed by `second`, both in memory or both streamed."""
    if isinstance(first, dict):
        return {key: np.concatenate([first[key], second[key]]) for key in first}
    return ConcatenatedSource(first, second)


def in_memory(source: RandomAccessSource) -> dict[str, np.ndarray]:
    """Every example of a source that is not empty, stacked along a new axis 0."""
    stacked = {key: np.empty((len(source), *array.shape), array.dtype) for key, array in source[0].items()}
    for index in range(len(source)):
        for key, array in source[index].items():
            stacked[key][index] = array
    return stacked
