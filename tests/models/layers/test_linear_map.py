"""Maps between latent spaces: planted ones, scikit-learn's ridge, SciPy's orthogonal Procrustes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from cases import Case
from sklearn.linear_model import LinearRegression, Ridge

from models.layers.linear_map import least_squares_map, procrustes_map, ridge_map

CASES = {ridge_map: Case(options={"penalty": 0.5})}


@pytest.fixture
def pair(float64):
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.normal(size=(40, 5)) + 3), jnp.asarray(rng.normal(size=(40, 5)) - 1)


def test_a_planted_rotation_and_shift_is_recovered_exactly(pair):
    source, _ = pair
    rotation = scipy.stats.ortho_group.rvs(5, random_state=1)
    shift = np.arange(5.0)
    target = source @ rotation + shift
    for fit in (procrustes_map, least_squares_map):
        found = fit(source[:8], target[:8])
        np.testing.assert_allclose(found.matrix, rotation, atol=1e-10)
        np.testing.assert_allclose(found.offset, shift, atol=1e-10)
        np.testing.assert_allclose(found(source), target, atol=1e-10)


def test_a_planted_affine_map_is_recovered_by_least_squares_alone(pair):
    source, _ = pair
    matrix = np.random.default_rng(2).normal(size=(5, 3))
    target = source @ matrix + 2
    np.testing.assert_allclose(least_squares_map(source[:6], target[:6])(source), target, atol=1e-9)
    stretched = source @ np.diag(np.arange(1.0, 6))
    assert np.abs(procrustes_map(source, stretched)(source) - stretched).max() > 0.5


def test_procrustes_is_scipys(pair):
    source, target = pair
    found = procrustes_map(source, target)
    expected, _ = scipy.linalg.orthogonal_procrustes(source - source.mean(axis=0), target - target.mean(axis=0))
    np.testing.assert_allclose(found.matrix, expected, atol=1e-10)
    np.testing.assert_allclose(found.matrix @ found.matrix.T, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(found(source).mean(axis=0), target.mean(axis=0), atol=1e-12)


def test_least_squares_is_scikit_learns(pair):
    source, target = pair
    found, expected = least_squares_map(source, target), LinearRegression().fit(source, target)
    np.testing.assert_allclose(found.matrix, expected.coef_.T, atol=1e-10)
    np.testing.assert_allclose(found.offset, expected.intercept_, atol=1e-10)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_ridge_is_scikit_learns(pair, penalty):
    source, target = pair
    found, expected = ridge_map(source, target[:, :2], penalty=penalty), Ridge(penalty).fit(source, target[:, :2])
    np.testing.assert_allclose(found.matrix, expected.coef_.T, atol=1e-10)
    np.testing.assert_allclose(found.offset, expected.intercept_, atol=1e-10)


def test_a_map_acts_on_one_code_as_on_many(pair):
    source, target = pair
    found = least_squares_map(source, target)
    np.testing.assert_allclose(jax.vmap(found)(source), found(source), rtol=1e-12)


def test_a_support_set_that_leaves_the_map_open_is_refused(pair):
    source, target = pair
    with pytest.raises(ValueError, match=r"at least 6 examples, got \(5, 5\)"):
        least_squares_map(source[:5], target[:5])
