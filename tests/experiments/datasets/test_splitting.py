"""Held-out parts: disjoint, together everything, and no class left out of either where examples stood by class."""

import numpy as np
import pytest

from experiments.datasets import DataError
from experiments.datasets.sources import SelectedSource, in_memory
from experiments.datasets.splitting import hold_out_sixth, sorted_by_class, split_pool, training_size


class Stream:
    """Examples that are their own places."""

    name, files = "stream", ()

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"x": np.asarray(index)}


def places(examples: object) -> list[int]:
    return (examples if isinstance(examples, dict) else in_memory(examples))["x"].tolist()


KINDS = pytest.mark.parametrize("kind", [lambda count: {"x": np.arange(count)}, Stream], ids=["arrays", "stream"])


@pytest.mark.parametrize(("count", "size"), [(60_000, 50_000), (6, 5), (11, 10), (12, 10)])
def test_the_last_sixth_is_held_out(count: int, size: int) -> None:
    assert training_size(count, "here") == size


@KINDS
def test_examples_in_no_order_stay_as_they_stand(kind) -> None:
    label = np.arange(60) % 5
    train, valid, notes = hold_out_sixth(kind(60), label, "here")
    assert (places(train), places(valid), notes) == (list(range(50)), list(range(50, 60)), ())
    for each in (train, valid):
        if isinstance(each, dict):
            assert each["x"].base is not None, "a view: nothing is copied"


@KINDS
@pytest.mark.parametrize(
    "label", [np.repeat(np.arange(5), 12), np.repeat([3, 0, 4, 1, 2], 12)], ids=["rising", "blocks"]
)
def test_examples_sorted_by_class_are_permuted_the_same_way_each_time(kind, label) -> None:
    train, valid, notes = hold_out_sixth(kind(60), label, "here")
    assert notes == ("training examples sorted by class, split by a fixed permutation",)
    expected = np.random.Generator(np.random.Philox(0)).permutation(60).tolist()
    assert (places(train), places(valid)) == (expected[:50], expected[50:])
    assert set(label[places(train)]) == set(range(5))
    assert len(set(label[places(valid)])) >= 4, "of ten examples; as they stand they are of one class"


def test_without_labels_what_is_not_ordered_is_permuted() -> None:
    train, valid, notes = hold_out_sixth({"x": np.arange(60)}, None, "here", ordered=False)
    assert notes == ("a sixth of train held out by a fixed permutation",)
    assert sorted(places(train) + places(valid)) == list(range(60))
    assert places(valid) != list(range(50, 60))


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ([0, 0, 1, 1], True),
        ([1, 1, 0, 0, 0], True),
        ([0, 0, 1, 0], False),
        ([3, 3, 3, 3], False),
        ([0, 1, 2, 3], False),
        ([0], False),
    ],
    ids=str,
)
def test_sorted_means_that_every_class_stands_together(label: list[int], answer: bool) -> None:
    assert sorted_by_class(np.array(label)) == answer


@KINDS
def test_a_pool_is_split_in_ten_parts(kind) -> None:
    splits, notes = split_pool(kind(57), "here")
    assert {split: len(places(each)) for split, each in splits.items()} == {"train": 47, "valid": 5, "test": 5}
    assert sorted(place for each in splits.values() for place in places(each)) == list(range(57))
    assert notes == ("split 80/10/10 by a fixed permutation",)
    with pytest.raises(DataError, match=r"here: expected at least 10 examples.*found 9"):
        split_pool(kind(9), "here")


def test_a_selection_of_a_stream_ends_where_it_ends() -> None:
    selected = SelectedSource(Stream(10), np.array([7, 2]), "two")
    assert (selected.name, len(selected), [int(each["x"]) for each in selected]) == ("stream two", 2, [7, 2])
    for index in (2, -1):
        with pytest.raises(IndexError, match="expected 0 <= index < 2"):
            selected[index]
