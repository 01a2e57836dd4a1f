import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from cases import Case

from losses.metrics.retrieval import precision_at_k, recall_at_k

CASES = {precision_at_k: Case(options={"k": 2}), recall_at_k: Case(options={"k": 2})}
RNG = np.random.default_rng(0)


def test_precision_and_recall_count_among_the_nearest():
    distances = jnp.asarray([5.0, 1.0, 3.0, 2.0, 4.0])
    relevant = jnp.asarray([1.0, 1.0, 0.0, 1.0, 0.0])
    for k, found in ((1, 1), (2, 2), (3, 2), (4, 2), (5, 3)):
        np.testing.assert_allclose(precision_at_k(distances, relevant, k=k), found / k, rtol=1e-6)
        np.testing.assert_allclose(recall_at_k(distances, relevant, k=k), found / 3, rtol=1e-6)
    with pytest.raises(ValueError, match="the 6 nearest of 5"):
        recall_at_k(distances, relevant, k=6)


def test_what_has_no_distance_is_not_found():
    """NaN of either sign counts as the farthest."""
    relevant = jnp.asarray([1.0, 1.0, 0.0, 0.0])
    for nan in (np.nan, -np.nan):
        distances = jnp.asarray([nan, 2.0, 1.0, 3.0])
        assert precision_at_k(distances, relevant, k=1) == 0
        assert recall_at_k(distances, relevant, k=3) == 0.5


def test_random_distances_find_what_is_relevant_by_chance():
    """The number found is hypergeometric; the mean of 2,000 draws is within five standard errors."""
    stored, share, k, draws = 100, 20, 10, 2000
    relevant = (jnp.arange(stored) < share).astype(float)
    distances = jnp.asarray(RNG.uniform(size=(draws, stored)))
    law = scipy.stats.hypergeom(stored, share, k)
    error = 5 * law.std() / np.sqrt(draws)
    precision = np.mean(jax.jit(jax.vmap(lambda d: precision_at_k(d, relevant, k=k)))(distances))
    recall = np.mean(jax.jit(jax.vmap(lambda d: recall_at_k(d, relevant, k=k)))(distances))
    assert abs(precision - share / stored) < error / k
    assert abs(recall - k / stored) < error / share
