"""Scores of disentanglement on codes with a planted relation to the factors; scikit-learn's mutual information."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from cases import Case
from sklearn.metrics import mutual_info_score

from losses.metrics.disentanglement import beta_vae_score, mutual_information, mutual_information_gap, pair_difference

CODES = Case(
    lambda rng: (rng.normal(size=(6, 3)), np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0, 1], [1, 0]])),
    {"bins": 4, "values": 2},
    constant_almost_everywhere=True,
)
CASES = {
    mutual_information: CODES,
    mutual_information_gap: CODES,
    beta_vae_score: Case(
        lambda rng: (rng.uniform(size=(6, 3)), np.arange(6) % 2, rng.uniform(size=(6, 3)), np.arange(1, 7) % 2),
        {"factors": 2},
        constant_almost_everywhere=True,
    ),
}

SIZES = (4, 5, 3)
GRID = np.stack(np.meshgrid(*(np.arange(n) for n in SIZES), indexing="ij"), axis=-1).reshape(-1, 3)
FACTORS = np.tile(GRID, (40, 1))
RNG = np.random.default_rng(0)


def aligned(noise=0.0, seed=1):
    """One dimension for each factor, in another order, and two that know nothing."""
    rng = np.random.default_rng(seed)
    empty = rng.normal(size=(len(FACTORS), 2))
    codes = np.concatenate([empty[:, :1], FACTORS[:, ::-1] * [1.0, -2.0, 0.5], empty[:, 1:]], axis=1)
    return codes + noise * rng.normal(size=codes.shape)


information_of = jax.jit(mutual_information, static_argnames=("bins", "values"))
gap_of = jax.jit(mutual_information_gap, static_argnames=("bins", "values"))
score_of = jax.jit(beta_vae_score, static_argnames="factors")


def gap(codes, bins=20):
    return float(gap_of(codes, FACTORS, bins=bins, values=5))


def test_mutual_information_is_scikit_learns_on_the_same_cells(float64):
    codes = aligned(noise=0.5) @ np.random.default_rng(5).normal(size=(5, 4))
    found = np.asarray(information_of(codes, FACTORS, bins=12, values=5))
    for dimension, column in enumerate(codes.T):
        edges = np.linspace(column.min(), column.max(), 13)
        cells = np.clip(np.digitize(column, edges) - 1, 0, 11)
        for factor in range(3):
            expected = mutual_info_score(cells, FACTORS[:, factor])
            np.testing.assert_allclose(found[dimension, factor], expected, atol=1e-12)


def test_a_dimension_that_is_the_factor_knows_its_entropy(float64):
    found = np.asarray(information_of(FACTORS[:, :2] * 1.0, FACTORS, bins=20, values=5))
    np.testing.assert_allclose(found, [[np.log(4), 0, 0], [0, np.log(5), 0]], atol=1e-12)


def test_the_gap_is_one_for_one_dimension_a_factor(float64):
    np.testing.assert_allclose(gap(FACTORS * 1.0), 1, atol=1e-12)
    assert gap(aligned()) > 0.98


def test_the_gap_is_zero_for_copies_and_near_zero_for_noise_and_rotations(float64):
    """Counts in 2,400 examples give noise at most (bins − 1)(values − 1)/2N ≈ 0.016 nats, of entropies above 1.09."""
    np.testing.assert_allclose(gap(np.tile(FACTORS * 1.0, (1, 2))), 0, atol=1e-12)
    assert gap(RNG.normal(size=(len(FACTORS), 5))) < 0.02
    two = (FACTORS[:, :2] - FACTORS[:, :2].mean(axis=0)) / FACTORS[:, :2].std(axis=0)
    half_turned = two @ np.array([[1.0, -1.0], [1.0, 1.0]])
    known = FACTORS[:, :2]
    assert gap_of(half_turned, known, values=5) < 0.02
    assert gap_of(two, known, values=5) > 0.99


def test_the_gap_needs_two_dimensions():
    with pytest.raises(ValueError, match=r"two dimensions at least, got codes of shape \(2400, 1\)"):
        gap(FACTORS[:, :1] * 1.0)


differences_of = jax.jit(jax.vmap(pair_difference))


def groups(codes, count, size, seed):
    """For each group the factor that its pairs share, and the codes of both halves of the pairs."""
    rng = np.random.default_rng(seed)
    shared = rng.integers(3, size=count)
    pairs = rng.integers(SIZES, size=(count, size, 2, 3))
    for group, factor in enumerate(shared):
        pairs[group, :, 1, factor] = pairs[group, :, 0, factor]
    index = pairs @ np.array([15, 3, 1])
    one, other = (codes[index[:, :, half] + 60 * rng.integers(40)] for half in (0, 1))
    return differences_of(one, other), shared


def score(codes, size=50):
    return float(score_of(*groups(codes, 300, size, 0), *groups(codes, 300, size, 1), factors=3))


def test_pair_differences_are_means_of_distances(float64):
    one, other = RNG.normal(size=(2, 7, 4))
    expected = np.mean(np.abs(one - other), axis=0)
    np.testing.assert_allclose(pair_difference(jnp.asarray(one), jnp.asarray(other)), expected, rtol=1e-12)


def test_the_classifier_tells_aligned_factors_always_and_noise_by_chance(float64):
    """By chance 1/3 of 300 groups: five standard errors are 0.136."""
    assert score(aligned()) == 1
    assert score(aligned() * [1, 1e-3, 1, 100, 1]) == 1
    assert abs(score(RNG.normal(size=(len(FACTORS), 5))) - 1 / 3) < 0.136


def test_the_classifier_is_fooled_less_by_rotation_than_the_gap(float64):
    """The score allows any linear combination of differences, which is its known weakness."""
    unit = (FACTORS - FACTORS.mean(axis=0)) / FACTORS.std(axis=0)
    rotated = unit @ scipy.stats.ortho_group.rvs(3, random_state=0)
    assert score(rotated) > 0.8
    assert gap(rotated) < 0.5


def test_a_dimension_that_never_changes_is_no_trouble():
    assert score(np.concatenate([aligned(), np.zeros((len(FACTORS), 1))], axis=1)) == 1
