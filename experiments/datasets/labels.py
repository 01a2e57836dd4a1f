"""Labels number classes from 0: how many there are, and whether every label is one."""

from collections import defaultdict

import numpy as np

from experiments.datasets.dataset import DataError
from experiments.numerals import counted

NAMED_AT_MOST = 8
"""Classes that one remark names."""
UNDECLARED_AT_MOST = 1_024
"""Classes that labels alone may tell of, where there are fewer examples than that."""


def count_classes(where: str, labels: dict[str, np.ndarray], declared: int = 0) -> tuple[int, tuple[str, ...]]:
    """The number of classes, and remarks on those that a split lacks, from the labels [N] of every split.

    It is `declared` where the data set says it; otherwise one more than the largest label of all splits.

    Raises DataError, naming `where`, split and label, if one is no whole number, is negative, or is not below
    `declared`; or if there are more undeclared classes than examples.
    """
    for split, label in labels.items():
        _check(where, split, label, declared)
    seen = {split: np.unique(label).tolist() for split, label in labels.items()}
    classes = declared or 1 + max(max(each) for each in seen.values())
    if not declared and classes > max(UNDECLARED_AT_MOST, sum(map(len, labels.values()))):
        split = next(split for split, each in seen.items() if classes - 1 in each)
        different = len(set().union(*seen.values()))
        raise DataError(
            f"{where}: label {classes - 1} in split {split}: expected classes numbered from 0, found "
            f"{counted(different, 'different label')}; number them 0 to {different - 1}"
        )
    return classes, _remarks(seen, classes)


def _check(where: str, split: str, label: np.ndarray, declared: int) -> None:
    if not np.issubdtype(label.dtype, np.integer):
        raise DataError(
            f"{where}: label {label.flat[0]} in split {split} is of type {label.dtype}: expected whole numbers from 0, "
            "one for each class; store them as int32"
        )
    if label.min() < 0:
        raise DataError(
            f"{where}: label {label.min()} in split {split}: expected whole numbers from 0, found "
            f"{np.count_nonzero(label < 0):,} of {label.size:,} below; leave out the examples without a label"
        )
    if declared and label.max() >= declared:
        raise DataError(
            f"{where}: label {label.max()} in split {split}: expected 0 to {declared - 1}, as the data set declares "
            f"{counted(declared, 'class')}; correct the label or the number of classes"
        )


def _remarks(seen: dict[str, list[int]], classes: int) -> tuple[str, ...]:
    """A sentence for each group of classes that training never sees, or that nothing but training sees."""
    groups = defaultdict(list)
    for each in range(classes):
        groups[tuple(split for split, present in seen.items() if each in present)].append(each)
    odd = {splits: group for splits, group in groups.items() if "train" not in splits or splits == ("train",)}
    return tuple(f"{_only(splits)} {_named(group)}" for splits, group in sorted(odd.items()))


def _only(splits: tuple[str, ...]) -> str:
    """The beginning of a sentence on classes that these splits alone have."""
    if not splits:
        return "no split has"
    return f"only {' and '.join(splits)} {'has' if len(splits) == 1 else 'have'}"


def _named(group: list[int]) -> str:
    named = ", ".join(map(str, group[:NAMED_AT_MOST]))
    more = f" and {len(group) - NAMED_AT_MOST:,} more" if len(group) > NAMED_AT_MOST else ""
    return f"the {'classes' if len(group) > 1 else 'class'} {named}{more}"
