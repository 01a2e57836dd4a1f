"""Counts of samples by mode against a loop, and planted samples whose coverage is known."""

import jax.numpy as jnp
import numpy as np
import scipy.stats
from cases import Case

from losses.metrics.mode_coverage import high_quality_share, mode_counts, modes_covered, reverse_kl

CASES = {
    mode_counts: Case(options={"deviation": 0.5}, constant_almost_everywhere=True),
    modes_covered: Case(constant_almost_everywhere=True),
    high_quality_share: Case(options={"samples": 10}),
    reverse_kl: Case(lambda rng: (rng.uniform(1, 9, size=4),)),
}
MODES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [4.0, 4.0]], np.float32)


def test_counts_are_those_of_a_loop():
    samples = np.random.default_rng(0).normal(0.5, 0.8, (300, 2)).astype(np.float32)
    expected = np.zeros(4)
    for sample in samples:
        distances = np.linalg.norm(sample - MODES, axis=1)
        if distances.min() < 3 * 0.1:
            expected[distances.argmin()] += 1
    counts = mode_counts(jnp.asarray(samples), jnp.asarray(MODES), deviation=0.1)
    np.testing.assert_array_equal(counts, expected)
    assert (modes_covered(counts), expected[3]) == (3, 0)
    np.testing.assert_allclose(high_quality_share(counts, samples=300), expected.sum() / 3, rtol=1e-6)
    shares = expected / expected.sum()
    np.testing.assert_allclose(reverse_kl(counts), scipy.stats.entropy(shares, np.full(4, 0.25)), rtol=1e-5)


def test_what_is_three_deviations_away_is_not_of_high_quality():
    samples = jnp.array([[0.0, 0.299], [0.0, 0.301], [4.0, 4.3]])
    np.testing.assert_array_equal(mode_counts(samples, jnp.asarray(MODES), deviation=0.1), [1, 0, 0, 0])


def test_a_gaussian_in_the_plane_is_of_high_quality_as_often_as_rayleighs_law_says():
    """1 − exp(−9/2) = 98.9 %: what the data themselves have, within three standard errors."""
    samples = np.random.default_rng(1).normal(0, 0.1, (20_000, 2)).astype(np.float32) + MODES[3]
    share = high_quality_share(mode_counts(jnp.asarray(samples), jnp.asarray(MODES), deviation=0.1), samples=20_000)
    law = 100 * (1 - np.exp(-4.5))
    assert abs(share - law) < 3 * np.sqrt(law * (100 - law) / 20_000)


def test_the_divergence_at_its_ends():
    np.testing.assert_allclose(reverse_kl(jnp.full(8, 5.0)), 0, atol=1e-6)
    for collapsed in (jnp.zeros(8).at[2].set(7.0), jnp.zeros(8)):
        np.testing.assert_allclose(reverse_kl(collapsed), np.log(8), rtol=1e-6)
    np.testing.assert_allclose(reverse_kl(jnp.array([3.0, 3.0, 0.0, 0.0])), np.log(2), rtol=1e-6)
