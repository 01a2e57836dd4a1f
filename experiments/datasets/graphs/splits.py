"""Which nodes have a label to learn from: where a graph does not say it, and where others are drawn."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from experiments.datasets.dataset import DataError
from experiments.numerals import counted

PER_CLASS, VALID, TEST = 20, 500, 1000


def planetoid_split(
    where: str, labels: Int[np.ndarray, " nodes"], *, per_class: int = PER_CLASS, valid: int = VALID, test: int = TEST
) -> tuple[dict[str, Int[np.ndarray, " of_split"]], str]:
    """``per_class`` nodes of each class to train on, then ``valid`` and ``test`` of the others, by one fixed
    permutation; and how the protocol says it.

    So Yang et al. 2016 split, but for the draw. DataError where there are too few nodes.
    """
    order = np.random.Generator(np.random.Philox(0)).permutation(len(labels))
    by_class = [order[labels[order] == label] for label in np.unique(labels)]
    train = np.sort(np.concatenate([nodes[:per_class] for nodes in by_class]))
    others = order[~np.isin(order, train)]
    if min(map(len, by_class)) < per_class or len(others) < valid + test:
        wanted = f"{per_class} of each class, {valid:,} and {test:,} others"
        raise DataError(f"{where}: {counted(len(labels), 'node')} are too few for a split of {wanted}")
    splits = {"train": train, "valid": others[:valid], "test": others[valid : valid + test]}
    return splits, f"{per_class} of each class to train on by a fixed permutation"


def drawn_split(
    splits: Mapping[str, Int[np.ndarray, " of_split"]], labels: Int[np.ndarray, " nodes"], *, seed: int
) -> dict[str, Int[np.ndarray, " of_split"]]:
    """Draw ``seed`` of other splits of the sizes of ``splits``: of each class as many nodes are trained on as there,
    and any others are validated and tested on.

    Drawn are all nodes of the classes that ``splits`` has, whether they are in one or not; where "valid" is "test"
    there, it is here. Kipf & Welling 2017, section 6.1.
    """
    known = np.unique(labels[np.concatenate([*splits.values()])])
    rng = np.random.Generator(np.random.Philox(seed))
    order = rng.permutation(np.flatnonzero(np.isin(labels, known))).astype(np.int32)
    classes, counts = np.unique(labels[splits["train"]], return_counts=True)
    by_class = [order[labels[order] == label][:count] for label, count in zip(classes, counts, strict=True)]
    train = np.sort(np.concatenate(by_class))
    others, valid, test = order[~np.isin(order, train)], len(splits["valid"]), len(splits["test"])
    first = 0 if np.array_equal(np.sort(splits["valid"]), np.sort(splits["test"])) else valid
    return {"train": train, "valid": others[:valid], "test": others[first : first + test]}
