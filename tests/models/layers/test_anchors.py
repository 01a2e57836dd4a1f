"""Anchors against loops in NumPy, and on sizes whose clusters are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import overlap
from cases import Case

from models.layers.anchors import best_overlap, first_anchors, fit_anchors, move_anchors, size_overlap


def sizes(rng, count):
    return rng.uniform(1, 9, (count, 2))


CASES = {
    size_overlap: Case(lambda rng: tuple(sizes(rng, 2))),
    best_overlap: Case(lambda rng: (sizes(rng, 6), sizes(rng, 3))),
    first_anchors: Case(lambda rng: (jax.random.key(rng.integers(99)), sizes(rng, 6)), options={"count": 2}),
    fit_anchors: Case(lambda rng: (jax.random.key(rng.integers(99)), sizes(rng, 9)), options={"count": 2}),
    move_anchors: Case(lambda rng: (sizes(rng, 9), sizes(rng, 2))),
}


def likeness(size, anchor):
    """By boxes with a corner in common."""
    return overlap([0, 0, *size], [0, 0, *anchor])


def moved(given, anchors):
    groups = [[] for _ in anchors]
    for size in given:
        groups[int(np.argmax([likeness(size, anchor) for anchor in anchors]))].append(size)
    return np.array(
        [np.mean(group, axis=0) if group else anchor for group, anchor in zip(groups, anchors, strict=True)]
    )


def test_rounds_are_those_of_loops(float64):
    rng = np.random.default_rng(0)
    given, anchors = sizes(rng, 60), sizes(rng, 5)
    anchors[4] = 1000.0  # nobody's
    best = np.max([[likeness(size, anchor) for anchor in anchors] for size in given], axis=1)
    np.testing.assert_allclose(best_overlap(jnp.asarray(given), jnp.asarray(anchors)), best, rtol=1e-12)
    found = jnp.asarray(anchors)
    for _ in range(4):
        found, anchors = move_anchors(jnp.asarray(given), found), moved(given, anchors)
        np.testing.assert_allclose(found, anchors, rtol=1e-12)
    assert (found[4] == 1000).all()


def test_sizes_of_three_kinds_give_these_kinds_and_one_anchor_their_mean():
    rng = np.random.default_rng(1)
    kinds = np.array([[4, 4], [4, 16], [20, 20]])
    given = jnp.asarray(np.repeat(kinds, 50, axis=0) * rng.uniform(0.95, 1.05, (150, 2)), jnp.float32)
    fits = jax.vmap(lambda key: fit_anchors(key, given, count=3))(jax.random.split(jax.random.key(0), 8))
    best = max(fits, key=lambda anchors: best_overlap(given, anchors).mean())
    np.testing.assert_allclose(best, kinds, rtol=0.02)
    one = fit_anchors(jax.random.key(0), given, count=1)
    np.testing.assert_allclose(one[0], given.mean(axis=0), rtol=1e-5)


def test_anchors_begin_at_different_boxes_of_which_there_must_be_enough():
    given = jnp.arange(8.0).reshape(4, 2) + 1
    drawn = first_anchors(jax.random.key(0), given, count=4)
    assert {tuple(row) for row in drawn.tolist()} == {tuple(row) for row in given.tolist()}
    with pytest.raises(ValueError, match=r"1 to 4 anchors .* got 5"):
        first_anchors(jax.random.key(0), given, count=5)
