"""Labels against what they must be: whole numbers that number a class."""

import numpy as np
import pytest

from experiments.datasets import DataError
from experiments.datasets.labels import count_classes


def labels(**splits: list) -> dict[str, np.ndarray]:
    return {split: np.array(values) for split, values in splits.items()}


@pytest.mark.parametrize(
    ("given", "declared", "classes"),
    [
        (labels(train=[0, 1, 2], valid=[2, 1, 0], test=[0, 1, 2]), 0, 3),
        (labels(train=[0, 1], test=[0, 1, 7]), 0, 8),
        (labels(train=[0, 1], test=[1, 0]), 10, 10),
        (labels(train=[0, 1_023], test=[0]), 0, 1_024),
    ],
)
def test_the_number_is_declared_or_that_of_all_splits(given: dict, declared: int, classes: int) -> None:
    assert count_classes("here", given, declared)[0] == classes


@pytest.mark.parametrize(
    ("given", "declared", "message"),
    [
        (labels(train=[0, 1], test=[0, -1]), 0, "here: label -1 in split test: .*found 1 of 2 below"),
        (labels(train=[0, 255], test=[0, 1]), 10, "here: label 255 in split train: expected 0 to 9"),
        (labels(train=[0, 1], valid=[0.5, 1.0]), 0, "label 0.5 in split valid is of type float64: expected whole"),
        (labels(train=[0, 1], test=["3", "4"]), 0, "label 3 in split test is of type <U1: expected whole numbers"),
        (
            labels(train=[1998, 2015], test=[1998]),
            0,
            "label 2015 in split train: .*2 different labels; number them 0 to 1",
        ),
    ],
)
def test_what_numbers_no_class_is_refused_with_split_and_label(given: dict, declared: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        count_classes("here", given, declared)


def test_a_class_that_not_all_splits_share_is_remarked() -> None:
    given = labels(train=[0, 1, 2], valid=[0, 1, 3, 4], test=[0, 1, 3, 5, 6])
    assert count_classes("here", given, 8)[1] == (
        "no split has the class 7",
        "only test has the classes 5, 6",
        "only train has the class 2",
        "only valid has the class 4",
        "only valid and test have the class 3",
    )
    assert count_classes("here", labels(train=[0, 1], valid=[0, 1], test=[0]))[1] == (), "training and another see both"


def test_a_remark_names_a_few_of_many_classes() -> None:
    given = labels(train=list(range(20)), test=[0])
    assert count_classes("here", given)[1] == ("only train has the classes 1, 2, 3, 4, 5, 6, 7, 8 and 11 more",)
