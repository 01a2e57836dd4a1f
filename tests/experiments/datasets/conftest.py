"""Small data of the kinds that the readers read, written by other means than theirs."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

TYPE_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


@pytest.fixture(scope="session")
def write_idx() -> Callable[[Path, np.ndarray], None]:
    """A writer of IDX files, gzipped where the name ends in ".gz"."""

    def write(path: Path, array: np.ndarray) -> None:
        header = bytes([0, 0, TYPE_CODES[array.dtype.name], array.ndim])
        dimensions = struct.pack(f">{array.ndim}I", *array.shape)
        data = header + dimensions + array.astype(array.dtype.newbyteorder(">")).tobytes()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)

    return write


@pytest.fixture
def idx_folder(tmp_path: Path, write_idx: Callable[[Path, np.ndarray], None]) -> SimpleNamespace:
    """A folder of 12 + 4 images of 3×5 pixels: its `path`, and the published `images` and `labels` of both parts."""
    generator = np.random.default_rng(7)
    images = {"train": generator.integers(0, 256, (12, 3, 5), np.uint8), "t10k": np.full((4, 3, 5), 255, np.uint8)}
    labels = {"train": np.arange(12, dtype=np.uint8), "t10k": np.array([9, 0, 9, 0], np.uint8)}
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images[part])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels[part])
    return SimpleNamespace(path=tmp_path, images=images, labels=labels)
