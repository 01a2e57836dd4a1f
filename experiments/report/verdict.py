"""Whether a published figure is met: ours lies within what chance and rounding explain, or is better.

A figure is met where |ours − published| is at most the largest of

- three standard errors, 3·√(s²/n + e²): s is the sample deviation over our n seeds (on several random splits, over
  the n splits' means), e the published standard error;
- half of the last printed digit;
- for a percentage p of N test examples, √(p·(100 − p)/N), the binomial standard error of the test set.

It is near where it differs by no more than a tenth of the published figure, and far beyond that. A figure that is met
only because three standard errors are more than such a tenth is met loosely: more seeds may undo it.
"""

import math
from decimal import Decimal
from typing import Literal, NamedTuple

Verdict = Literal["met", "near", "far"]
STANDARD_ERRORS = 3
LEAST_SEEDS = 3
"""without which no figure counts as met"""
NEAR_SHARE = 0.1
LOWER = frozenset(
    {
        *("bits_per_dim", "bits_per_dimension", "error", "estimated_loss", "frechet_distance", "loss", "nll"),
        *("reverse_kl", "squared_error"),
    }
)
HIGHER = frozenset(
    {
        *("auc", "average_precision", "elbo", "exact_match", "high_quality", "mean_iou", "modes", "pseudo_likelihood"),
        "reconstruction",
    }
)
"""Metrics of which less, or more, is better, by the last part of their names; of others neither is."""


class Comparison(NamedTuple):
    """A figure of ours held against a published one."""

    verdict: Verdict
    better: bool
    """whether it is met only because ours is better"""
    loose: bool
    """whether it is met only because our seeds differ by so much"""
    tolerance: float
    """the largest difference by which it is met"""
    standard_errors: float | None
    """the difference in standard errors; None where these are not known, or nought and we differ"""


def compare(
    metric: str,
    published: float,
    mean: float,
    *,
    deviation: float | None,
    seeds: int,
    tested: int | None = None,
    published_error: float | None = None,
) -> Comparison:
    """The verdict on the mean of ``seeds`` of ours, whose sample deviation is None for a single one.

    ``published`` is as printed: 14 has another last digit than 14.0. ``tested`` is how many examples it is the
    percentage of, ``published_error`` the standard error it was printed with.
    """
    difference = mean - published
    ours = None if deviation is None else deviation / math.sqrt(seeds)
    error = None if ours is None else math.hypot(ours, published_error or 0.0)
    fixed = max(half_of_last_digit(published), binomial_error(published, tested))
    tolerance = max(STANDARD_ERRORS * (error or 0.0), fixed)
    within, a_tenth = abs(difference) <= tolerance * (1 + 1e-9), NEAR_SHARE * abs(published)
    better = not within and is_better(metric, difference)
    loose = within and abs(difference) > fixed and tolerance > a_tenth
    verdict = "met" if within or better else "near" if abs(difference) <= a_tenth else "far"
    return Comparison(verdict, better, loose, tolerance, _in_errors(difference, error))


def half_of_last_digit(printed: float) -> float:
    """0.5 for 14, 0.05 for 14.0, 0.005 for 86.76, 5·10⁻⁶ for 1e-05."""
    return 0.5 * 10.0 ** Decimal(repr(printed)).as_tuple().exponent


def binomial_error(percentage: float, tested: int | None) -> float:
    """The standard error of a percentage of so many examples, in points; 0 where it is none of examples."""
    return math.sqrt(percentage * (100 - percentage) / tested) if tested else 0.0


def is_better(metric: str, difference: float) -> bool:
    """Whether ours, which differs by so much, is better; False of metrics that are no measure of success."""
    name = metric.rpartition("/")[2]
    return (name in LOWER and difference < 0) or (name in HIGHER and difference > 0)


def _in_errors(difference: float, error: float | None) -> float | None:
    if error:
        return difference / error
    return 0.0 if error is not None and difference == 0 else None
