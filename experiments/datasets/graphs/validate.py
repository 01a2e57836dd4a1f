"""What is checked of a graph when it is read: each fault is answered, by a remark, or refused in one line.

Sums by segments drop what lies outside without a word, and an edge that is listed twice would count twice.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.dataset import SPLITS, DataError
from experiments.numerals import counted

Index = Int[np.ndarray, "..."]


def checked_edges(where: str, edges: np.ndarray, nodes: int) -> tuple[Int[np.ndarray, "unique 2"], tuple[str, ...]]:
    """Each pair of different nodes that is joined, once and the smaller number first, in order; and remarks.

    Loops are left out, as networks that want them add them; pairs that are listed more than once, in one direction or
    in both, are kept once; nodes without a neighbour stay. Raises DataError where ``edges`` is no table of two whole
    numbers, or one of them is no node.
    """
    if edges.ndim != 2 or edges.shape[1] != 2:
        raise DataError(f"{where}: edges have the shape {edges.shape}: expected [edges, 2], the two nodes of each")
    _check_indices(f"{where}: edges", edges, nodes, "node")
    loops = edges[:, 0] == edges[:, 1]
    proper = np.sort(edges[~loops].astype(np.int64), axis=1)
    unique = np.unique(proper, axis=0)
    isolated = nodes - len(np.unique(unique))
    found = (
        (int(loops.sum()), "loop", "left out, as networks that want one add it"),
        (len(proper) - len(unique), "edge", "listed again, in the same or the other direction, and counted once"),
        (isolated, "node", "without a neighbour"),
    )
    return unique, tuple(f"{counted(count, thing)} {what}" for count, thing, what in found if count)


def checked_features(
    where: str, entries: np.ndarray, values: np.ndarray, shape: tuple[int, int]
) -> tuple[Float[np.ndarray, " entries"], tuple[str, ...]]:
    """The values of the sparse matrix of features as floats; and a remark on nodes without any.

    Raises DataError where an entry lies outside of ``shape``, stands twice, is negative or is not finite.
    """
    if values.ndim != 1 or entries.shape != (2, len(values)):
        raise DataError(
            f"{where}: features have indices of shape {entries.shape} and values of shape {values.shape}: expected "
            "[2, entries], node and feature of each, and [entries]"
        )
    for axis, thing in enumerate(("node", "feature")):
        _check_indices(f"{where}: features", entries[axis], shape[axis], thing)
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all() or (values < 0).any():
        raise DataError(f"{where}: features: expected finite numbers of at least 0, such as counts of words")
    if len(entries.T) != len(np.unique(entries.T, axis=0)):
        raise DataError(f"{where}: features: an entry stands twice; add up what belongs together")
    bare = shape[0] - len(np.unique(entries[0]))
    return values.astype(np.float64), (f"{counted(bare, 'node')} without any feature",) if bare else ()


def checked_splits(
    where: str, splits: Mapping[str, np.ndarray], nodes: int, labels: np.ndarray
) -> dict[str, Int[np.ndarray, " of_split"]]:
    """The nodes of each split; DataError where one is empty, is no list of nodes, or shares a node with another.

    Where nothing is chosen, "valid" may be "test".
    """
    if labels.shape != (nodes,):
        raise DataError(
            f"{where}: labels have the shape {labels.shape}: expected [{nodes}], "
            f"one for each of {counted(nodes, 'node')}"
        )
    for split in SPLITS:
        if splits[split].ndim != 1 or not len(splits[split]):
            raise DataError(f"{where}: {split} has the shape {splits[split].shape}: expected a list of nodes")
        _check_indices(f"{where}: {split}", splits[split], nodes, "node")
    for split in SPLITS:
        _check_unique(where, split, splits[split])
    same = np.array_equal(np.sort(splits["valid"]), np.sort(splits["test"]))
    for one, other in (("train", "valid"), ("train", "test"), *(() if same else (("valid", "test"),))):
        _check_unique(where, f"{one} and {other}", np.concatenate([splits[one], splits[other]]))
    return {split: splits[split].astype(np.int32) for split in SPLITS}


def _check_unique(where: str, which: str, nodes: np.ndarray) -> None:
    numbers, counts = np.unique(nodes, return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{where}: node {numbers[counts > 1][0]} stands more than once in {which}: once is enough")


def _check_indices(where: str, indices: Index, count: int, thing: str) -> None:
    if not np.issubdtype(indices.dtype, np.integer):
        raise DataError(f"{where} are of type {indices.dtype}: expected whole numbers, each a {thing} from 0")
    outside = indices[(indices < 0) | (indices >= count)]
    if outside.size:
        raise DataError(f"{where}: {thing} {outside[0]} is none of 0 to {count - 1}, as are {outside.size:,} in all")
