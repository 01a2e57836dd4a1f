"""Weights as images: which units are shown first, and what is grey, black and white."""

import numpy as np

from experiments.plots.filters import filter_images


def test_filters_are_images_of_the_largest_weights_first():
    """Grey is 0, and the largest weight of a unit is black or white."""
    weights = np.zeros((4, 3))
    weights[:, 0], weights[1, 1] = [1, -2, 0, 0.5], -8
    shown = filter_images(weights, (2, 2, 1))
    np.testing.assert_array_equal(shown[0].ravel(), [0.5, 0, 0.5, 0.5])
    np.testing.assert_array_equal(shown[1].ravel(), [0.75, 0, 0.5, 0.625])
    np.testing.assert_array_equal(shown[2].ravel(), 0.5)
