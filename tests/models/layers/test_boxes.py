"""Boxes against pixels that are counted, and at their edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.boxes import (
    area,
    centred,
    corners,
    generalized_intersection_over_union,
    intersection,
    intersection_over_union,
    pairwise_overlap,
)


def boxes(rng, count):
    low = rng.uniform(0, 4, (count, 2))
    return np.concatenate([low, low + rng.uniform(2, 6, (count, 2))], axis=1)


def pair(rng):
    return tuple(boxes(rng, 2))


CASES = {
    corners: Case(lambda rng: (rng.uniform(1, 5, 4),)),
    centred: Case(lambda rng: (boxes(rng, 1)[0],)),
    area: Case(lambda rng: (boxes(rng, 1)[0],)),
    intersection: Case(pair),
    intersection_over_union: Case(pair),
    generalized_intersection_over_union: Case(pair),
    pairwise_overlap: Case(lambda rng: (boxes(rng, 3), boxes(rng, 2))),
}


def pixels(box):
    ticks = np.arange(12)
    across, down = (ticks >= box[0]) & (ticks < box[2]), (ticks >= box[1]) & (ticks < box[3])
    return down[:, None] & across[None, :]


def test_overlaps_are_those_of_counted_pixels():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 8, (40, 2))
    given = np.concatenate([low, low + rng.integers(0, 5, (40, 2))], axis=1)  # some are empty
    found = np.asarray(pairwise_overlap(jnp.asarray(given[:20], jnp.float32), jnp.asarray(given[20:], jnp.float32)))
    generalized = jax.vmap(generalized_intersection_over_union)(*jnp.asarray(given.reshape(2, 20, 4), jnp.float32))
    for i, one in enumerate(given[:20]):
        for j, other in enumerate(given[20:]):
            common, union = (pixels(one) & pixels(other)).sum(), (pixels(one) | pixels(other)).sum()
            np.testing.assert_allclose(found[i, j], common / union if union else 0, rtol=1e-6)
            if i == j:
                hull = pixels([*np.minimum(one, other)[:2], *np.maximum(one, other)[2:]]).sum()
                expected = (common / union if union else 0) - ((hull - union) / hull if hull else 0)
                np.testing.assert_allclose(generalized[i], expected, rtol=1e-5, atol=1e-6)


UNIT = [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("one", "other", "iou", "generalized"),
    [
        (UNIT, UNIT, 1, 1),
        (UNIT, [1.0, 0.0, 2.0, 1.0], 0, 0),
        (UNIT, [3.0, 0.0, 4.0, 1.0], 0, -0.5),
        (UNIT, [0.0, 0.0, 0.0, 1.0], 0, 0),
        (UNIT, [0.25, 0.25, 0.25, 0.75], 0, 0),
        ([2.0, 1.0, 2.0, 3.0], [2.0, 1.0, 2.0, 3.0], 0, 0),
        ([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], 0, -1),
        ([1.0, 1.0, 0.0, 0.0], UNIT, 0, 0),
    ],
    ids=["equal", "touching", "apart", "no_width", "no_width_inside", "both_empty", "two_points", "inside_out"],
)
def test_at_the_edges_nothing_is_nan(one, other, iou, generalized):
    given = jnp.array(one), jnp.array(other)
    for function, expected in (
        (intersection_over_union, iou),
        (generalized_intersection_over_union, generalized),
    ):
        np.testing.assert_allclose(function(*given), expected, atol=1e-6)
        assert all(np.isfinite(gradient).all() for gradient in jax.grad(function, argnums=(0, 1))(*given))


def test_the_two_notations_are_inverse_to_each_other():
    given = jnp.asarray(boxes(np.random.default_rng(1), 1)[0], jnp.float32)
    np.testing.assert_allclose(corners(centred(given)), given, rtol=1e-5)
    np.testing.assert_array_equal(corners(jnp.array([3.0, 4.0, 2.0, 6.0])), [2, 1, 4, 7])
