import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from losses.metrics.sample_quality import frechet_distance, nearest_distances, share_within


def two_sets(rng):
    return rng.normal(size=(6, 3)), rng.normal(size=(7, 3)) + 0.5


CASES = {
    frechet_distance: Case(two_sets),
    nearest_distances: Case(two_sets),
    share_within: Case(two_sets, constant_almost_everywhere=True),
}
RNG = np.random.default_rng(0)


def test_of_gaussians_it_is_the_closed_form(float64):
    """Samples moved and turned so that their moments are exactly those that are meant."""
    white = RNG.normal(size=(50, 4))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T)).T)
    turn = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
    one = np.array([1.0, 2.0, 0.5, 3.0])
    drawn, real = white * one, white @ turn * 2.0 + 1.0  # C_1 diagonal, C_2 = 4 I
    expected = 4.0 + (one**2).sum() + 16.0 - 2 * (2 * one).sum()
    np.testing.assert_allclose(frechet_distance(jnp.asarray(drawn), jnp.asarray(real)), expected, rtol=1e-9)


def test_it_is_scipys_root_of_the_product(float64):
    drawn, real = RNG.normal(size=(40, 5)) @ RNG.normal(size=(5, 5)), RNG.normal(size=(30, 5))
    one, other = np.cov(drawn.T), np.cov(real.T)
    apart = ((drawn.mean(axis=0) - real.mean(axis=0)) ** 2).sum()
    expected = apart + np.trace(one + other - 2 * sqrtm(one @ other).real)
    np.testing.assert_allclose(frechet_distance(jnp.asarray(drawn), jnp.asarray(real)), expected, rtol=1e-8)


@pytest.mark.parametrize("count", [4, 60])
def test_a_set_is_no_distance_from_itself_also_below_full_rank(count, float64):
    features = jnp.asarray(RNG.normal(size=(count, 20)))
    assert float(frechet_distance(features, features)) == pytest.approx(0, abs=1e-6)
    moved = features + 3.0 * jnp.eye(20)[0]
    assert float(frechet_distance(features, moved)) == pytest.approx(9, abs=1e-6)


def test_single_precision_keeps_four_digits():
    """Measures of whole sets are taken in it; a classifier's 84 features, 250 and 1,000 examples."""
    drawn, real = RNG.normal(size=(1000, 84)), 1.3 * RNG.normal(size=(250, 84)) + 0.2
    one, other = np.cov(drawn.T), np.cov(real.T)
    apart = ((drawn.mean(axis=0) - real.mean(axis=0)) ** 2).sum()
    expected = apart + np.trace(one + other - 2 * sqrtm(one @ other).real)
    found = frechet_distance(jnp.asarray(drawn, jnp.float32), jnp.asarray(real, jnp.float32))
    assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("neighbour", [1, 3])
def test_shares_are_counted_by_looking_at_every_pair(neighbour, float64):
    points, reference = RNG.normal(size=(30, 2)) * 1.5, RNG.normal(size=(20, 2))
    radii = np.sort(cdist(reference, reference), axis=1)[:, neighbour]
    expected = (cdist(points, reference) <= radii).any(axis=1).mean()
    found = share_within(jnp.asarray(points), jnp.asarray(reference), neighbour=neighbour)
    assert float(found) == pytest.approx(expected)
    assert 0 < expected < 1


def test_shares_at_their_ends():
    points = jnp.asarray(RNG.normal(size=(20, 3)), jnp.float32)
    assert share_within(points, points) == 1
    assert share_within(points + 100, points) == 0
    with pytest.raises(ValueError, match="20 examples have no neighbour number 20"):
        share_within(points, points, neighbour=20)


def test_the_nearest_is_scipys(float64):
    points, reference = RNG.normal(size=(10, 3)), RNG.normal(size=(15, 3))
    found = nearest_distances(jnp.asarray(np.vstack([points, reference[:1]])), jnp.asarray(reference))
    np.testing.assert_allclose(found[:-1], cdist(points, reference).min(axis=1), rtol=1e-12)
    assert found[-1] == 0
