"""What a classifier gets wrong, as pictures."""

import numpy as np

from experiments.plots.classifier import errors_by_class


def test_errors_by_class_are_shares_of_each_class():
    labels = np.array([0, 0, 0, 0, 1, 1])
    wrong = {"one": np.array([1, 0, 0, 0, 1, 1], bool), "other": np.zeros(6, bool)}
    axes = errors_by_class(labels, wrong).axes[0]
    assert [round(bar.get_height(), 6) for bar in axes.patches] == [25, 100, 50, 0, 0, 0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "one: 3 of 6 wrong (50.00 %)",
        "other: 0 of 6 wrong (0.00 %)",
    ]
