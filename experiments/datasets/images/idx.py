"""The IDX format, in which MNIST is published, and folders of four IDX files.

A file is: two zero bytes, a type, the number of dimensions, each dimension as big-endian uint32, then the values, big
endian, last axis fastest (LeCun, Cortes & Burges, "The MNIST database of handwritten digits"). Plain or gzip.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

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
NAMES = ("train-images", "train-labels", "t10k-images", "t10k-labels")
AXES = {"images": ("images", "height", "width"), "labels": ("labels",)}
LAYOUT = {"images": "give each image its height and width", "labels": "write one number, its class, for each image"}
"""What to do about other axes than these."""


class Header(NamedTuple):
    """What an IDX file says of its contents."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        """Bytes of the header itself."""
        return 4 + 4 * len(self.shape)


class IdxFile(NamedTuple):
    """A file of a folder, its header read and its contents not."""

    paths: list[Path]
    """its versions, plain and packed: what is read, and what must hold the same"""
    header: Header

    def read(self) -> np.ndarray:
        """Its contents; raises DataError if they are damaged or the versions differ."""
        array = read_idx(self.paths[0])
        for other in self.paths[1:]:
            if not np.array_equal(array, read_idx(other)):
                raise _different(self.paths[0], other)
        return array


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, in the machine's byte order; ".gz" is decompressed.

    The header is read first, and then no more than it promises: a small file that unpacks to a large one is refused
    without being unpacked.

    Raises DataError, naming the file, what was expected and how to get it, if it is unreadable, of another format,
    truncated, too long, or a damaged gzip.
    """
    with _opened(path) as file:
        header = _read_header(path, file)
        length = math.prod(header.shape) * header.dtype.itemsize
        data = _read_at_most(file, length + 1)
    if len(data) != length:
        found = f"{header.length + len(data):,}{' or more' if len(data) > length else ''}"
        raise _damaged(path, f"{header.length + length:,} bytes of data for dimensions {header.shape}", found)
    try:
        array = np.frombuffer(data, header.dtype).reshape(header.shape)
    except ValueError as error:
        raise _damaged(path, "dimensions that an array can have", str(error)) from error
    return array.astype(header.dtype.newbyteorder("="), copy=False)


def read_idx_folder(folder: Path) -> RawData:
    """The images and labels in `folder`, any size: the last sixth of the training files is valid, the t10k files test.

    The headers of all files are compared before the contents of any are read. Training files sorted by class are split
    after a fixed permutation.

    Raises DataError if a file is missing or damaged, is there twice with different contents, is not of 8-bit grey
    images or labels, or if counts disagree.
    """
    files = _read_headers(folder)
    train, test = (_read_pair(files, part) for part in ("train", "t10k"))
    kept, held_out, notes = hold_out_sixth(train, train["label"], files["train-images"].paths[0])
    splits = dict(zip(SPLITS, (kept, held_out, test), strict=True))
    classes, remarks = count_classes(str(folder), {split: examples["label"] for split, examples in splits.items()})
    return RawData("idx", splits, levels=256, classes=classes, notes=notes, remarks=remarks)


def read_mnist(folder: Path) -> RawData:
    """As `read_idx_folder`, and raises DataError unless there are 60,000 + 10,000 images of 28×28 pixels."""
    files = _read_headers(folder)
    train, test = (files[name].header.shape for name in ("train-images", "t10k-images"))
    size = f"{train[0]:,} + {test[0]:,} images of {test[1]}×{test[2]} pixels"
    if size != MNIST_SIZE:
        raise DataError(
            f"{folder}: expected MNIST, {MNIST_SIZE}, found {size}; "
            f"type --data idx to read it as it is, or get MNIST from {MIRROR}"
        )
    return read_idx_folder(folder)._replace(title="mnist")


def _read_headers(folder: Path) -> dict[str, IdxFile]:
    """The four files, by name; raises DataError as `read_idx_folder` for all that their headers tell."""
    files = {name: _find(folder, name) for name in NAMES}
    for name, file in files.items():
        _check_layout(file, name.partition("-")[2])
    for part in ("train", "t10k"):
        _check_counts(files[f"{part}-images"], files[f"{part}-labels"])
    shapes = [list(files[name].header.shape) for name in ("train-images", "t10k-images")]
    if shapes[0][1:] != shapes[1][1:]:
        raise DataError(
            f"{folder}: expected train and t10k images of one size, found {shapes[0]} and {shapes[1]}; "
            "take all four files from one data set"
        )
    return files


def _find(folder: Path, name: str) -> IdxFile:
    """The file of this `name` in its published or its usual spelling, plain or ".gz"."""
    kind = f"idx{len(AXES[name.partition('-')[2]])}-ubyte"
    published = f"{name}-{kind}.gz"
    spellings = (f"{name}-{kind}", published, f"{name}.{kind}", f"{name}.{kind}.gz")
    paths = [folder / spelling for spelling in spellings if (folder / spelling).is_file()]
    if not paths:
        found = "no such file" if folder.is_dir() else "no such folder"
        raise DataError(
            f"{folder}: expected {published} (or without .gz), found {found}; download {MIRROR}{published}, "
            "or type --data folder for a folder of pictures"
        )
    headers = []
    for path in paths:
        with _opened(path) as file:
            headers.append(_read_header(path, file))
        if headers[-1] != headers[0]:
            raise _different(paths[0], path)
    return IdxFile(paths, headers[0])


def _check_layout(file: IdxFile, kind: str) -> None:
    """Raises DataError unless the file holds unsigned bytes along the axes of its `kind`, and any at all."""
    (dtype, shape), axes = file.header, AXES[kind]
    advice = {
        "write its values as unsigned bytes, or as an .npz for --data npz": dtype != np.uint8,
        LAYOUT[kind]: len(shape) != len(axes),
        f"put {kind} into it": 0 in shape,
    }
    if needed := [text for text, is_needed in advice.items() if is_needed]:
        raise DataError(
            f"{file.paths[0]}: expected unsigned bytes in {counted(len(axes), 'dimension')}, [{', '.join(axes)}], "
            f"found {dtype.name} {list(shape)}; the file is intact: {', and '.join(needed)}"
        )


def _check_counts(images: IdxFile, labels: IdxFile) -> None:
    """Raises DataError unless there are as many labels as images."""
    wanted, found = images.header.shape[0], labels.header.shape[0]
    if wanted != found:
        raise DataError(
            f"{labels.paths[0]}: expected {counted(wanted, 'label')}, as many as images in {images.paths[0].name}, "
            f"found {found:,}; take both files from one data set"
        )


def _read_pair(files: dict[str, IdxFile], part: str) -> dict[str, np.ndarray]:
    """Intensities [N, H, W, 1] and labels [N]."""
    image, label = files[f"{part}-images"].read(), files[f"{part}-labels"].read()
    return {"image": np.divide(image[..., None], 255, dtype=np.float32), "label": label.astype(np.int32)}


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, unpacked where it is packed; raises DataError where it cannot be opened or read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "an intact, readable file", str(error)) from error


def _read_header(path: Path, file: BinaryIO) -> Header:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES:
        found = f"{len(start)} bytes: {list(start)}" if len(start) < 4 else f"{list(start)} ..."
        raise _damaged(path, "an IDX header (0, 0, type, dimensions)", found)
    dimensions = file.read(4 * start[3])
    if len(dimensions) < 4 * start[3]:
        found = f"{4 + len(dimensions):,} bytes of data"
        raise _damaged(path, f"{4 + 4 * start[3]:,} bytes of header for {counted(start[3], 'dimension')}", found)
    shape = tuple(int.from_bytes(dimensions[at : at + 4], "big") for at in range(0, len(dimensions), 4))
    return Header(np.dtype(DTYPES[start[2]]), shape)


def _read_at_most(file: BinaryIO, length: int) -> bytearray:
    """The next `length` bytes, or all where there are fewer; memory grows with what is there, not with `length`."""
    data = bytearray()
    while len(data) < length and (block := file.read(min(length - len(data), BLOCK))):
        data += block
    return data


def _different(path: Path, other: Path) -> DataError:
    """The error for two versions of a file that do not hold the same."""
    return DataError(f"{path} and {other.name} beside it hold different values; remove the one not meant")


def _damaged(path: Path, expected: str, found: str) -> DataError:
    """The error for a file that is not what it should be."""
    published = f"{path.name.removesuffix('.gz').replace('.idx', '-idx')}.gz"
    return DataError(
        f"{path}: expected {expected}, found {found}; download it again: {published} of the MNIST database ({MIRROR}) "
        "or of the data set that it came from"
    )
