"""Discs whose place and size are known: measured from their pixels. Draws whose density is known."""

import numpy as np
import scipy.stats

from experiments.datasets.generated import SHAPE_FACTORS, mixture_of_gaussians, shapes

SPLITS = shapes().splits


def test_every_combination_comes_once_and_training_and_validation_share_none():
    counts = tuple(SHAPE_FACTORS.values())
    numbers = {name: np.ravel_multi_index(split["factors"].T, counts) for name, split in SPLITS.items()}
    np.testing.assert_array_equal(numbers["test"], np.arange(600))
    assert sorted([*numbers["train"], *numbers["valid"]]) == list(range(600))
    assert (len(numbers["train"]), len(numbers["valid"])) == (500, 100)


def test_the_discs_are_where_and_as_large_as_their_factors_say():
    """Centres of mass are on the pixel; areas are within 12 % of π r², of discs of at least 1.5 pixels' radius."""
    images, factors = SPLITS["test"]["image"][..., 0], SPLITS["test"]["factors"]
    whole = (factors[:, :2] >= 2).all(axis=1) & (factors[:, :2] <= 7).all(axis=1)
    images, factors = images[whole].astype(float), factors[whole]
    area = images.sum(axis=(1, 2))
    across, down = (images.sum(axis=axis) @ np.arange(16) / area for axis in (1, 2))
    np.testing.assert_allclose(across, factors[:, 0] + 3, atol=0.1)
    np.testing.assert_allclose(down, factors[:, 1] + 3, atol=0.1)
    np.testing.assert_allclose(area, np.pi * (1.5 + factors[:, 2] / 2) ** 2, rtol=0.12)


def test_all_are_intensities_and_no_two_alike():
    images = SPLITS["test"]["image"]
    assert images.min() == 0
    assert images.max() == 1
    assert len(np.unique(images.reshape(600, -1), axis=0)) == 600


def test_draws_of_a_mixture_have_its_distribution_and_no_split_repeats_another():
    """By the test of Kolmogorov and Smirnov, which the right distribution fails once in 1,000 times."""
    splits = mixture_of_gaussians((0.3, 0.7), (-1.0, 2.0), (0.5, 0.25)).splits
    values = [splits[split]["value"] for split in ("train", "valid", "test")]
    assert [len(each) for each in values] == [4096, 1024, 1024]
    assert len(np.unique(np.concatenate(values))) > 6000
    for each in values:
        found = scipy.stats.kstest(
            each, lambda x: 0.3 * scipy.stats.norm.cdf(x, -1, 0.5) + 0.7 * scipy.stats.norm.cdf(x, 2, 0.25)
        )
        assert found.pvalue > 1e-3
