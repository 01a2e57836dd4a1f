"""The IDX format, in which MNIST is published, and folders of four IDX files.

A file is: two zero bytes, a type, the number of dimensions, each dimension as big-endian uint32, then the values, big
endian, last axis fastest (LeCun, Cortes & Burges, "The MNIST database of handwritten digits"). Plain or gzip.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData
from experiments.datasets.labels import count_classes
from experiments.datasets.splitting import hold_out_sixth
from experiments.numerals import counted

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist/"
MNIST_SIZE = "60,000 + 10,000 images of 28×28 pixels"
BLOCK = 2**24
"""Bytes that are read at a time."""


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, in the machine's byte order; ".gz" is decompressed.

    The header is read first, and then no more than it promises: a small file that unpacks to a large one is refused
    without being unpacked.

    Raises DataError, naming the file, what was expected and how to get it, if it is unreadable, of another format,
    truncated, too long, or a damaged gzip.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            dtype, shape, header = _read_header(path, file)
            length = math.prod(shape) * dtype.itemsize
            data = _read_at_most(file, length + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "an intact, readable file", str(error)) from error
    if len(data) != length:
        found = f"{header + len(data):,}{' or more' if len(data) > length else ''}"
        raise _damaged(path, f"{header + length:,} bytes of data for dimensions {shape}", found)
    try:
        return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError as error:
        raise _damaged(path, "dimensions that an array can have", str(error)) from error


def read_idx_folder(folder: Path) -> RawData:
    """The images and labels in `folder`, any size: the last sixth of the training files is valid, the t10k files test.

    Training files sorted by class are split after a fixed permutation.

    Raises DataError if a file is missing or damaged, is there twice with different contents, is not of 8-bit grey
    images or labels, or if counts disagree.
    """
    (where, train), (_, test) = _read_pair(folder, "train"), _read_pair(folder, "t10k")
    if train["image"].shape[1:] != test["image"].shape[1:]:
        shapes = [list(examples["image"].shape) for examples in (train, test)]
        raise DataError(
            f"{folder}: expected train and t10k images of one size, found {shapes[0]} and {shapes[1]}; "
            "take all four files from one data set"
        )
    kept, held_out, notes = hold_out_sixth(train, train["label"], where)
    splits = dict(zip(SPLITS, (kept, held_out, test), strict=True))
    classes, remarks = count_classes(str(folder), {split: examples["label"] for split, examples in splits.items()})
    return RawData("idx", splits, levels=256, classes=classes, notes=notes, remarks=remarks)


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


def _read_header(path: Path, file: BinaryIO) -> tuple[np.dtype, tuple[int, ...], int]:
    """Type, dimensions, and the length of the header in bytes."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES:
        found = f"{len(start)} bytes: {list(start)}" if len(start) < 4 else f"{list(start)} ..."
        raise _damaged(path, "an IDX header (0, 0, type, dimensions)", found)
    dimensions = file.read(4 * start[3])
    header = 4 + 4 * start[3]
    if 4 + len(dimensions) < header:
        found = f"{4 + len(dimensions):,} bytes of data"
        raise _damaged(path, f"{header:,} bytes of header for {start[3]} dimensions", found)
    shape = tuple(int.from_bytes(dimensions[at : at + 4], "big") for at in range(0, len(dimensions), 4))
    return np.dtype(DTYPES[start[2]]), shape, header


def _read_at_most(file: BinaryIO, length: int) -> bytearray:
    """The next `length` bytes, or all where there are fewer; memory grows with what is there, not with `length`."""
    data = bytearray()
    while len(data) < length and (block := file.read(min(length - len(data), BLOCK))):
        data += block
    return data


def _read_pair(folder: Path, prefix: str) -> tuple[Path, dict[str, np.ndarray]]:
    """The path of the images; intensities [N, H, W, 1] and labels [N] of the two files that begin with `prefix`."""
    image_path, image = _read_one(folder, f"{prefix}-images", "idx3-ubyte")
    label_path, label = _read_one(folder, f"{prefix}-labels", "idx1-ubyte")
    for path, array, dimensions in ((image_path, image, 3), (label_path, label, 1)):
        if array.dtype != np.uint8 or array.ndim != dimensions or array.size == 0:
            raise DataError(
                f"{path}: expected unsigned bytes in {dimensions} dimensions, found {array.dtype} {list(array.shape)}; "
                "the file is intact: write its values as unsigned bytes, or as an .npz for --data npz"
            )
    if len(image) != len(label):
        raise DataError(
            f"{label_path}: expected {counted(len(image), 'label')}, as many as images in {image_path.name}, "
            f"found {len(label):,}; take both files from one data set"
        )
    return image_path, {"image": np.divide(image[..., None], 255, dtype=np.float32), "label": label.astype(np.int32)}


def _read_one(folder: Path, stem: str, kind: str) -> tuple[Path, np.ndarray]:
    """The file `stem`-`kind` or `stem`.`kind`, plain or ".gz"; raises DataError if several differ, or none is there."""
    published = f"{stem}-{kind}.gz"
    names = (f"{stem}-{kind}", published, f"{stem}.{kind}", f"{stem}.{kind}.gz")
    paths = [folder / name for name in names if (folder / name).is_file()]
    if not paths:
        found = "no such file" if folder.is_dir() else "no such folder"
        raise DataError(
            f"{folder}: expected {published} (or without .gz), found {found}; download {MIRROR}{published}, "
            "or type --data folder for a folder of pictures"
        )
    array = read_idx(paths[0])
    for other in paths[1:]:
        if not np.array_equal(array, read_idx(other)):
            raise DataError(f"{paths[0]} and {other.name} beside it hold different values; remove the one not meant")
    return paths[0], array


def _damaged(path: Path, expected: str, found: str) -> DataError:
    """The error for a file that is not what it should be."""
    published = f"{path.name.removesuffix('.gz').replace('.idx', '-idx')}.gz"
    return DataError(
        f"{path}: expected {expected}, found {found}; download it again: {published} of the MNIST database ({MIRROR}) "
        "or of the data set that it came from"
    )
