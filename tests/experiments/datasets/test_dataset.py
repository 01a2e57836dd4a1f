"""What a network is told of a data set, and one line where it cannot be had."""

import numpy as np
import pytest

from experiments.datasets import DataError, Dataset, load
from train.windows import Windows


class Stream:
    """Twenty examples, one at a time."""

    name, files = "stream", ()

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"image": np.full((4, 3, 1), index, np.float32), "label": np.asarray(index, np.int32)}


STREAMED = Dataset("stream", "", "", dict.fromkeys(("train", "valid", "test"), Stream()), classes=20)
WINDOWED = Dataset("text", "", "", {"train": {"symbols": Windows(np.arange(50, dtype=np.uint8), 9, 8)}}, symbols=("a",))


@pytest.mark.parametrize(
    ("dataset", "shapes"),
    [
        (load("digits", data_dir=None), {"image": ((1, 8, 8, 1), np.float32), "label": ((1,), np.int32)}),
        (STREAMED, {"image": ((1, 4, 3, 1), np.float32), "label": ((1,), np.int32)}),
        (WINDOWED, {"symbols": ((1, 9), np.uint8)}),
    ],
    ids=["arrays", "stream", "windows"],
)
def test_an_example_has_the_shapes_and_types_of_the_data_and_is_zero(dataset: Dataset, shapes: dict) -> None:
    example, head = dataset.example(), dataset.head("train", 1)
    assert {name: (array.shape, array.dtype) for name, array in example.items()} == shapes
    assert {name: (array.shape, array.dtype) for name, array in head.items()} == shapes
    assert not any(array.any() for array in example.values())


def test_the_head_of_a_stream_and_of_windows_is_that_of_arrays() -> None:
    np.testing.assert_array_equal(STREAMED.head("train", 3)["label"], [0, 1, 2])
    assert len(STREAMED.head("train", 99)["label"]) == 20
    np.testing.assert_array_equal(WINDOWED.head("train", 2)["symbols"], [np.arange(9), np.arange(8, 17)])
    assert len(WINDOWED.head("train", 99)["symbols"]) == 6


def test_digits_have_ten_classes_and_nothing_to_remark() -> None:
    digits = load("digits", data_dir=None)
    assert (digits.classes, digits.required_classes(), digits.remarks) == (10, 10, ())
    assert (digits.symbols, digits.context) == ((), ())


def test_what_a_data_set_does_not_have_is_refused_in_one_line() -> None:
    with pytest.raises(DataError, match=r"text has no labels.*type --data digits, or --data folder"):
        WINDOWED.required_classes()
    with pytest.raises(DataError, match="text holds symbols, and this experiment takes images: type --data digits"):
        _ = WINDOWED.image_shape
    with pytest.raises(DataError, match="stream is streamed, and this experiment needs all 20 examples of its train"):
        STREAMED.whole("train")
    assert WINDOWED.whole("train") is WINDOWED.splits["train"]


def test_an_error_is_one_line() -> None:
    assert str(DataError("first\n  second\nthird")) == "first second third"
