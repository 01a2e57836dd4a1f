"""When a figure is met, held against numbers worked out by hand."""

import math

import numpy as np
import pytest

from experiments.report.verdict import binomial_error, compare, half_of_last_digit, is_better


def verdict(published, mean, metric="angle", deviation=None, seeds=1, **more):
    return compare(metric, published, mean, deviation=deviation, seeds=seeds, **more)


@pytest.mark.parametrize(
    ("printed", "half"), [(14, 0.5), (14.0, 0.05), (86.76, 0.005), (1e-05, 5e-6), (290400, 0.5), (0.0, 0.05)]
)
def test_half_of_the_last_printed_digit(printed, half):
    assert half_of_last_digit(printed) == pytest.approx(half)


def test_the_binomial_error_is_the_deviation_of_drawn_test_sets():
    drawn = np.random.default_rng(0).binomial(1000, 0.163, 20_000) / 10
    assert binomial_error(16.3, 1000) == pytest.approx(drawn.std(), rel=0.02)
    assert binomial_error(16.3, None) == 0


def test_three_standard_errors_of_both_sides_are_met_and_no_more():
    error = math.sqrt(0.6**2 / 9 + 0.15**2)
    for difference, expected in ((2.99, "met"), (3.01, "near")):
        found = verdict(50.00, 50 + difference * error, deviation=0.6, seeds=9, published_error=0.15)
        assert (found.verdict, found.better) == (expected, False)
        assert found.standard_errors == pytest.approx(difference)
        assert found.tolerance == pytest.approx(3 * error)


def test_one_seed_is_met_by_rounding_and_by_the_size_of_the_test_set_alone():
    assert verdict(1.06, 1.064).verdict == "met"
    assert verdict(1.06, 1.16).verdict == "near"
    assert verdict(1.06, 1.17).verdict == "far"
    assert verdict(1.06, 1.43, tested=10_000).verdict == "far"
    found = verdict(1.06, 1.16, tested=10_000)
    assert (found.verdict, found.standard_errors) == ("met", None)
    assert found.tolerance == pytest.approx(math.sqrt(1.06 * 98.94 / 10_000))


def test_a_tenth_of_the_figure_is_near():
    assert verdict(86.76, 93.0).verdict == "near"
    assert verdict(86.76, 96.0).verdict == "far"


def test_what_is_better_is_met_where_the_metric_has_a_better():
    for metric, ours, expected in (
        ("error", 10.0, "met"), ("label_propagation/error", 10.0, "met"), ("error", 30.0, "far"),
        ("auc", 30.0, "met"), ("auc", 10.0, "far"), ("softmax/fgsm_error", 10.0, "far"),
    ):  # fmt: skip
        found = verdict(20.0, ours, metric)
        assert (found.verdict, found.better) == (expected, expected == "met")
    assert not verdict(20.0, 19.99, "error").better, "within the rounding it is met as it is"
    assert not is_better("success", 1.0)


def test_what_is_met_by_the_spread_of_the_seeds_alone_is_met_loosely():
    assert verdict(100.0, 90.0, deviation=12.0, seeds=3).loose
    assert not verdict(100.0, 99.0, deviation=1.0, seeds=3).loose, "three errors are 1.7 %"
    assert not verdict(100.0, 90.0, deviation=1.0, seeds=3).loose, "it is not met"
    assert not verdict(30.0, 30.5, deviation=12.0, seeds=3, tested=100).loose, "the test set explains it"
    assert not verdict(20.0, 2.0, "error", deviation=1.0, seeds=3).loose, "it is better"


def test_equal_without_any_deviation_is_no_difference():
    assert verdict(14, 14.0, deviation=0.0, seeds=5).standard_errors == 0
    assert verdict(14, 15.0, deviation=0.0, seeds=5).standard_errors is None
