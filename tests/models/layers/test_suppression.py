"""Suppression against the lecture's loop, with ties, empty boxes and scores that are no numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import overlap
from cases import Case

from models.layers.suppression import suppress_overlaps


def boxes(rng, count, size=12):
    low = rng.integers(0, size, (count, 2))
    return np.concatenate([low, low + rng.integers(0, 8, (count, 2))], axis=1).astype(np.float32)


CASES = {
    suppress_overlaps: Case(
        lambda rng: (boxes(rng, 9), rng.normal(size=9)), options={"keep": 4}, constant_almost_everywhere=True
    )
}


def by_hand(given, scores, keep, threshold):
    """The lecture's: sort, pop the first, remove what is over it."""
    scores = [-np.inf if np.isnan(score) else score for score in scores]
    waiting = sorted((i for i in range(len(given)) if scores[i] > -np.inf), key=lambda i: (-scores[i], i))
    kept = []
    while waiting and len(kept) < keep:
        first, *rest = waiting
        kept.append(first)
        waiting = [other for other in rest if not overlap(given[first], given[other]) > threshold]
    return kept + [-1] * (keep - len(kept))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_it_is_the_lectures_loop_whatever_the_scores(threshold):
    rng = np.random.default_rng(0)
    given = np.stack([boxes(rng, 30) for _ in range(20)])
    scores = rng.choice([0.1, 0.5, 0.5, 0.9, np.nan, -np.nan, -np.inf, np.inf, -3.0], (20, 30)).astype(np.float32)
    scores[:10] = rng.normal(size=(10, 30))
    found = jax.jit(jax.vmap(lambda *each: suppress_overlaps(*each, keep=12, threshold=threshold)))(given, scores)
    expected = [by_hand(*each, 12, threshold) for each in zip(given.astype(float), scores, strict=True)]
    np.testing.assert_array_equal(found, expected)


def test_of_equal_scores_the_first_stays_and_an_overlap_of_the_threshold_is_none():
    given = jnp.array([[0.0, 0, 2, 1], [0.0, 0, 1, 1], [0.0, 0, 2, 1]])
    scores = jnp.ones(3)
    assert suppress_overlaps(given, scores, keep=4).tolist() == [0, 1, -1, -1]  # 1/2 is not above 1/2
    assert suppress_overlaps(given, scores, keep=4, threshold=0.49).tolist() == [0, -1, -1, -1]
    assert suppress_overlaps(given, jnp.array([jnp.nan] * 3), keep=2).tolist() == [-1, -1]
    empty = jnp.zeros((2, 4))
    assert suppress_overlaps(empty, jnp.ones(2), keep=2).tolist() == [0, 1]
    assert suppress_overlaps(jnp.zeros((0, 4)), jnp.zeros(0), keep=2).tolist() == [-1, -1]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"got 0 and 0\.5"):
        suppress_overlaps(jnp.zeros((2, 4)), jnp.ones(2), keep=0)
    with pytest.raises(ValueError, match=r"threshold in \[0, 1\], got 2 and 1.5"):
        suppress_overlaps(jnp.zeros((2, 4)), jnp.ones(2), keep=2, threshold=1.5)
