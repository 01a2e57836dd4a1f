"""What a classifier gets wrong, as pictures."""

import numpy as np
import pytest

from experiments.plots.classifier import classifier_figures, errors_by_class


def test_errors_by_class_are_shares_of_each_class():
    labels = np.array([0, 0, 0, 0, 1, 1])
    wrong = {"one": np.array([1, 0, 0, 0, 1, 1], bool), "other": np.zeros(6, bool)}
    axes = errors_by_class(labels, wrong).axes[0]
    assert [round(bar.get_height(), 6) for bar in axes.patches] == [25, 100, 50, 0, 0, 0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "one: 3 of 6 wrong (50.00 %)",
        "other: 0 of 6 wrong (0 %)",
    ]


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_any_number_of_classes_is_drawn(classes):
    """A set with one class has nothing that could be mistaken."""
    labels = np.arange(6) % classes
    predicted = np.minimum(labels, 1)
    figures = classifier_figures(np.zeros((6, 4, 3, 1)), labels, predicted)
    assert figures.keys() == ({"confusion", "mistakes"} if classes == 3 else {"confusion"})
    for figure in figures.values():
        figure.draw_without_rendering()


def test_every_mistake_stands_over_its_classes():
    images = np.linspace(0, 1, 12).reshape(12, 1, 1, 1) * np.ones((12, 4, 3, 1))
    labels = np.arange(12)
    axes = classifier_figures(images, labels, np.zeros(12, int))["mistakes"].axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == [f"{label}→0" for label in range(1, 11)]
    drawn = axes.images[0].get_array()
    np.testing.assert_allclose([drawn[2, round(tick), 0] for tick in axes.get_xticks()], images[1:11, 0, 0, 0])
