"""A graph in one `.npz` file of plain arrays; nothing is unpickled."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError
from experiments.datasets.graphs.raw import RawGraph

KEYS = ("feature_index", "feature_value", "shape", "labels", "edges", *SPLITS)


def read_graph_npz(path: Path) -> RawGraph:
    """The arrays of one graph, by these keys:

        feature_index  [2, entries]    node and feature of each feature that is not zero
        feature_value  [entries]       its value
        shape          [2]             nodes, features
        labels         [nodes]         classes, numbered from 0
        edges          [edges, 2]      the nodes that are joined, in either order
        train, valid, test             the nodes of each split

    Raises DataError if the file cannot be read or a key is missing.
    """
    arrays = _arrays(path)
    if missing := [key for key in KEYS if key not in arrays]:
        raise DataError(f"{path}: {', '.join(missing)} missing: expected {', '.join(KEYS)}, as docs/data.md says")
    shape = arrays["shape"]
    if shape.shape != (2,) or not np.issubdtype(shape.dtype, np.integer) or shape.min() < 1:
        raise DataError(f"{path}: shape is {shape.tolist()}: expected how many nodes and how many features")
    return RawGraph(
        path.stem,
        int(shape[0]),
        int(shape[1]),
        arrays["feature_index"],
        arrays["feature_value"],
        arrays["edges"],
        arrays["labels"],
        {split: arrays[split] for split in SPLITS},
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if isinstance(arrays, np.ndarray):
                raise DataError(f"{path}: expected an .npz of named arrays, found one array; save it by np.savez")
            return dict(arrays)
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as .npz ({error}); save arrays by np.savez, no objects") from error
