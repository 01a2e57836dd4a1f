"""Groups of settings that say which data: every reader of one kind of data is told the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.datasets import DataError, Dataset, load


@dataclass(frozen=True, kw_only=True)
class ImageData:
    """Which images, and how they become what the network sees."""

    data: str = "auto"
    """digits; mnist or idx (a folder of IDX files), folder (of pictures), npz (a file of arrays) or tfds:NAME; auto is
    idx with --data-dir, or digits without it"""
    data_dir: Path | None = None
    """the folder or file of the data set"""
    train_on: Literal["train", "train+valid"] = "train"
    """train+valid: train on both, as papers without a validation split did"""
    binarization: Literal["none", "static", "stochastic"] = "stochastic"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""

    def load(self) -> Dataset:
        """The data set; raises ``DataError`` where it cannot be had."""
        dataset = load(self.data, data_dir=self.data_dir, binarization=self.binarization, train_on=self.train_on)
        if dataset.image_shape[-1] not in (1, 3):
            raise DataError(f"images of {dataset.image_shape[-1]} channels in {dataset.name}: expected 1 or 3")
        return dataset


@dataclass(frozen=True, kw_only=True)
class GreyImageData(ImageData):
    """Which images; their intensities are kept, or made bits once."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""


@dataclass(frozen=True, kw_only=True)
class BinaryImageData(ImageData):
    """Which images; every pixel becomes a bit."""

    binarization: Literal["static", "stochastic"] = "stochastic"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""
