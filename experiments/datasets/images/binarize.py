"""Static binarisation of grey images: every pixel drawn once from Bernoulli(intensity), and kept.

Salakhutdinov & Murray 2008 drew MNIST so. Burda et al. 2016 call it fixed binarisation and redraw at every step
instead, which needs nothing here: the training step draws.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.datasets.sources import Examples, RandomAccessSource


def static_binarization(image: np.ndarray, seed: int, first: int = 0) -> np.ndarray:
    """Zeros and ones, float32, of the same shape [N, ...]: 1 with probability `image`, for intensities in [0, 1].

    Example i has its own generator, Philox with key (seed, first + i). So its bits depend on nothing but the seed and
    its place in the split, and are the same in memory and streamed.
    """
    binary = np.empty(image.shape, np.float32)
    for index, intensity in enumerate(image):
        generator = np.random.Generator(np.random.Philox(key=(seed, first + index)))
        binary[index] = generator.random(intensity.shape, dtype=np.float32) < intensity
    return binary


@dataclass(frozen=True)
class BinarizedSource:
    """`source` with its images statically binarised, the same draw each time that an example is read."""

    source: RandomAccessSource
    seed: int

    @property
    def name(self) -> str:
        """The source's name and the seed."""
        return f"{self.source.name}, static binarisation {self.seed}"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the source."""
        return self.source.files

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        example = self.source[index]
        return example | {"image": static_binarization(example["image"][None], self.seed, first=index)[0]}


def binarize(examples: Examples, seed: int) -> Examples:
    """`examples` with "image" statically binarised under `seed`; the rest as it was."""
    if isinstance(examples, dict):
        return examples | {"image": static_binarization(examples["image"], seed)}
    return BinarizedSource(examples, seed)
