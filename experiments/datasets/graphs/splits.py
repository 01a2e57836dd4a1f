"""Which nodes have a label to learn from, where a graph does not say it."""

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
