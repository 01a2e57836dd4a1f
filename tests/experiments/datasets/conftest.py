"""Small data of the kinds that the readers read, written by other means than theirs."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from idx_files import write_idx


@pytest.fixture
def idx_folder(tmp_path: Path) -> SimpleNamespace:
    """A folder of 12 + 4 images of 3×5 pixels: its `path`, and the published `images` and `labels` of both parts."""
    generator = np.random.default_rng(7)
    images = {"train": generator.integers(0, 256, (12, 3, 5), np.uint8), "t10k": np.full((4, 3, 5), 255, np.uint8)}
    labels = {"train": np.arange(12, dtype=np.uint8), "t10k": np.array([9, 0, 9, 0], np.uint8)}
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images[part])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels[part])
    return SimpleNamespace(path=tmp_path, images=images, labels=labels)
