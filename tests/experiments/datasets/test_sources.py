"""Joining and counting examples of every kind."""

import numpy as np

from experiments.datasets.sources import concatenate, size
from train.windows import Windows


def test_windows_that_are_joined_are_those_of_the_joined_text() -> None:
    text = np.arange(90, dtype=np.uint8)
    first, second = ({"symbols": Windows(part, 8, 7)} for part in np.split(text, [60]))
    together = concatenate(first, second)
    assert (size(first), size(second), size(together)) == (8, 4, 12)
    expected = np.lib.stride_tricks.sliding_window_view(text, 8)[::7]
    np.testing.assert_array_equal(np.asarray(together["symbols"]), expected)
    assert together["symbols"].nbytes == 90


def test_arrays_that_are_joined_follow_each_other() -> None:
    first, second = {"image": np.zeros((2, 3))}, {"image": np.ones((1, 3))}
    np.testing.assert_array_equal(concatenate(first, second)["image"], [[0] * 3, [0] * 3, [1] * 3])
    assert size(concatenate(first, second)) == 3
