"""The IDX format, in which MNIST is published, and folders of four IDX files.

A file is: two zero bytes, a type, the number of dimensions, each dimension as big-endian uint32, then the values, big
endian, last axis fastest (LeCun, Cortes & Burges, "The MNIST database of handwritten digits"). Plain or gzip.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData, training_size

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist/"
MNIST_SIZE = "60,000 + 10,000 images of 28×28 pixels"


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, in the machine's byte order; ".gz" is decompressed.

    Raises DataError, naming the file, what was expected and how to get it, if it is unreadable, of another format,
    truncated, too long, or a damaged gzip.
    """
    data = _contents(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in DTYPES:
        raise _damaged(path, "an IDX header (0, 0, type, dimensions)", f"{len(data):,} bytes: {list(data[:4])} ...")
    dtype = np.dtype(DTYPES[data[2]])
    header = 4 + 4 * data[3]
    if len(data) < header:
        raise _damaged(path, f"{header:,} bytes of header for {data[3]} dimensions", f"{len(data):,} bytes of data")
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, header, 4))
    expected = header + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise _damaged(path, f"{expected:,} bytes of data for dimensions {shape}", f"{len(data):,}")
    try:
        return np.frombuffer(data, dtype, offset=header).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError as error:
        raise _damaged(path, "dimensions that an array can have", str(error)) from error


def read_idx_folder(folder: Path) -> RawData:
    """The images and labels in `folder`, any size: the last sixth of the training files is valid, the t10k files test.

    Raises DataError if a file is missing or damaged, is not of 8-bit grey images or labels, or if counts disagree.
    """
    train, test = _read_pair(folder, "train"), _read_pair(folder, "t10k")
    if train["image"].shape[1:] != test["image"].shape[1:]:
        shapes = [list(examples["image"].shape) for examples in (train, test)]
        raise DataError(
            f"{folder}: expected train and t10k images of one size, found {shapes[0]} and {shapes[1]}; "
            "take all four files from one data set"
        )
    size = training_size(len(train["image"]), _find(folder, "train-images", "idx3-ubyte"))
    splits = {
        "train": {key: array[:size] for key, array in train.items()},
        "valid": {key: array[size:] for key, array in train.items()},
        "test": test,
    }
    return RawData("idx", splits, levels=256)


def read_mnist(folder: Path) -> RawData:
    """As `read_idx_folder`, and raises DataError unless there are 60,000 + 10,000 images of 28×28 pixels."""
    raw = read_idx_folder(folder)
    train, valid, test = (raw.splits[split]["image"] for split in SPLITS)
    size = f"{len(train) + len(valid):,} + {len(test):,} images of {test.shape[1]}×{test.shape[2]} pixels"
    if size != MNIST_SIZE:
        raise DataError(
            f"{folder}: expected MNIST, {MNIST_SIZE}, found {size}; "
            f"type --data idx to read it as it is, or get MNIST from {MIRROR}"
        )
    return raw._replace(title="mnist")


def _read_pair(folder: Path, prefix: str) -> dict[str, np.ndarray]:
    """Intensities [N, H, W, 1] and labels [N] of the two files that begin with `prefix`."""
    image_path = _find(folder, f"{prefix}-images", "idx3-ubyte")
    label_path = _find(folder, f"{prefix}-labels", "idx1-ubyte")
    image, label = read_idx(image_path), read_idx(label_path)
    for path, array, dimensions in ((image_path, image, 3), (label_path, label, 1)):
        if array.dtype != np.uint8 or array.ndim != dimensions or array.size == 0:
            raise _damaged(path, f"unsigned bytes in {dimensions} dimensions", f"{array.dtype} {list(array.shape)}")
    if len(image) != len(label):
        raise _damaged(label_path, f"{len(image):,} labels, as many as images in {image_path.name}", f"{len(label):,}")
    return {"image": np.divide(image[..., None], 255, dtype=np.float32), "label": label.astype(np.int32)}


def _find(folder: Path, stem: str, kind: str) -> Path:
    """The file `stem`-`kind` or `stem`.`kind`, plain or ".gz"; raises DataError that says how to get it."""
    published = f"{stem}-{kind}.gz"
    for name in (f"{stem}-{kind}", published, f"{stem}.{kind}", f"{stem}.{kind}.gz"):
        if (folder / name).is_file():
            return folder / name
    found = "no such file" if folder.is_dir() else "no such folder"
    raise DataError(f"{folder}: expected {published} (or without .gz), found {found}; download {MIRROR}{published}")


def _contents(path: Path) -> bytes:
    """The bytes of a file, decompressed if its name ends in ".gz"; raises DataError if that fails."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "an intact, readable file", str(error)) from error


def _damaged(path: Path, expected: str, found: str) -> DataError:
    """The error for a file that is not what it should be."""
    published = f"{path.name.removesuffix('.gz').replace('.idx', '-idx')}.gz"
    return DataError(
        f"{path}: expected {expected}, found {found}; download it again: {published} of the MNIST database ({MIRROR}) "
        "or of the data set that it came from"
    )
