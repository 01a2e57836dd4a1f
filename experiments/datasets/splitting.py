"""How examples are held out where the data set does not say which."""

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError
from experiments.datasets.sources import Examples, select, size

SORTED = "training examples sorted by class, split by a fixed permutation"
PERMUTED = "a sixth of train held out by a fixed permutation"


def training_size(count: int, where: object) -> int:
    """How many of `count` training examples stay for training when the last sixth is held out for validation.

    One sixth is MNIST's customary 50,000 / 10,000. Raises DataError, naming `where`, if nothing can be held out.
    """
    held_out = count // 6
    if held_out == 0:
        raise DataError(f"{where}: expected at least 6 training examples, of which a sixth is held out, found {count}")
    return count - held_out


def hold_out_sixth(
    examples: Examples, label: np.ndarray | None, where: object, *, ordered: bool = True
) -> tuple[Examples, Examples, tuple[str, ...]]:
    """Training and validation examples, and what the protocol says of them.

    The last sixth is held out, as it stands. Examples sorted by class, where that would leave a class out of either,
    are permuted before, by a fixed permutation, and so are those that are not `ordered` by who published them.
    """
    count = size(examples)
    boundary = training_size(count, where)
    names = f"[:{boundary}]", f"[{boundary}:]"
    parts, notes = (slice(0, boundary), slice(boundary, count)), ()
    by_class = label is not None and sorted_by_class(label)
    if by_class or not ordered:
        order = fixed_permutation(count)
        parts, notes = tuple(order[part] for part in parts), (SORTED if ordered else PERMUTED,)
        names = tuple(f"permuted {name}" for name in names)
    train, valid = (select(examples, part, name) for part, name in zip(parts, names, strict=True))
    return train, valid, notes


def split_pool(examples: Examples, where: object) -> tuple[dict[str, Examples], tuple[str, ...]]:
    """Train, valid and test of examples that nobody has split: a tenth each is held out, after a fixed permutation.

    Raises DataError, naming `where`, if there are fewer than ten.
    """
    count = size(examples)
    tenth = count // 10
    if tenth == 0:
        raise DataError(
            f"{where}: expected at least 10 examples, of which a tenth each is held out for validation and for test, "
            f"found {count}"
        )
    parts = np.split(fixed_permutation(count), [count - 2 * tenth, count - tenth])
    splits = {split: select(examples, part, split) for split, part in zip(SPLITS, parts, strict=True)}
    return splits, ("split 80/10/10 by a fixed permutation",)


def fixed_permutation(count: int) -> np.ndarray:
    """The order in which `count` examples are split: the same at each reading, Philox(0)."""
    return np.random.Generator(np.random.Philox(0)).permutation(count)


def sorted_by_class(label: np.ndarray) -> bool:
    """Whether the examples of every class stand together, in two classes or more of two examples on average."""
    runs = 1 + np.count_nonzero(label[1:] != label[:-1])
    return runs == len(np.unique(label)) and 1 < runs <= len(label) // 2
