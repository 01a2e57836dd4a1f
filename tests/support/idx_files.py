"""Files in the format that MNIST comes in, written by other means than those that read them."""

import gzip
import struct
from pathlib import Path

import numpy as np

TYPE_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def write_idx(path: Path, array: np.ndarray) -> None:
    """Writes an IDX file, gzipped where the name ends in ".gz"."""
    header = bytes([0, 0, TYPE_CODES[array.dtype.name], array.ndim])
    dimensions = struct.pack(f">{array.ndim}I", *array.shape)
    data = header + dimensions + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
