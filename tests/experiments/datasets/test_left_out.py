import numpy as np
import pytest

from experiments.datasets import DataError, Dataset, load
from experiments.datasets.left_out import without_label

DIGITS = load("digits", data_dir=None, binarization="none")


def test_the_images_of_a_label_are_a_split_of_their_own():
    dataset = without_label(DIGITS, 0)
    assert all((dataset.splits[split]["label"] != 0).all() for split in DIGITS.splits)
    zeros = [examples["image"][examples["label"] == 0] for examples in DIGITS.splits.values()]
    np.testing.assert_array_equal(dataset.splits["left_out"]["image"], np.concatenate(zeros))
    assert sum(len(examples["image"]) for examples in dataset.splits.values()) == 1797
    assert dataset.protocol.endswith("label 0 left out")


def test_a_label_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="no image of digits has the label 12"):
        without_label(DIGITS, 12)


def test_a_streamed_data_set_is_refused():
    streamed = Dataset("stream", "stream", "none", {split: [] for split in DIGITS.splits})
    with pytest.raises(DataError, match="stream is streamed, and this experiment needs all 0 examples"):
        without_label(streamed, 0)
