"""Levels by the paper's formula, the top-down path by hand, and anchors that say the same as levels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.pyramid import assign_by_level, image_at_scale, level_areas, pyramid_level, top_down
from models.layers.yolo import assign, make_slots

LEVELS = {"finest": 2, "coarsest": 4, "canonical": 8.0, "canonical_level": 3}
ANCHORS = np.sqrt(2) * np.array([16.0, 8, 4])[:, None, None] * np.ones((1, 1, 2))
SIZE, STRIDES = (64, 64), (16, 8, 4)


def slots(dtype=jnp.float32):
    return make_slots(jnp.asarray(ANCHORS, dtype), image=SIZE, strides=STRIDES)


def objects(rng, count=4):
    """Of all levels, no side more than twice the other."""
    side, stretch = np.exp(rng.uniform(*np.log([4, 40]), count)), 2 ** rng.uniform(-0.49, 0.49, count)
    sizes = np.stack([side * stretch, side / stretch], axis=1)
    low = rng.uniform(0, 1, (count, 2)) * np.maximum(64 - sizes, 0)
    return np.concatenate([low, low + sizes], axis=1)


def given(rng):
    count = sum((64 // stride) ** 2 for stride in STRIDES)
    predicted = np.tile(objects(rng), (count // 4, 1))
    return objects(rng), rng.integers(-1, 3, 4), predicted, jax.tree.map(np.asarray, slots())


CASES = {
    pyramid_level: Case(lambda rng: (np.exp(rng.uniform(1, 4, 2)),), options=LEVELS, constant_almost_everywhere=True),
    assign_by_level: Case(given, options=LEVELS),
    top_down: Case(lambda rng: ([rng.normal(size=(2, 8, 4, 3)), rng.normal(size=(2, 4, 2, 3))],)),
    image_at_scale: Case(lambda rng: (rng.normal(size=(2, 4, 6, 3)),), options={"octave": -1}),
}


def test_levels_are_those_of_equation_1(float64):
    """k₀ = 4 at 224 pixels: a box of 112 belongs to the third level, in a pyramid from the second to the fifth."""
    rng = np.random.default_rng(0)
    for size in np.exp(rng.uniform(np.log(5), np.log(900), (200, 2))):
        formula = np.clip(np.floor(4 + np.log2(np.sqrt(size.prod()) / 224)), 2, 5)
        assert int(pyramid_level(jnp.asarray(size), finest=2, coarsest=5)) == formula
    borders = [(111.99, 2), (112, 3), (224, 4), (447, 4), (448, 5), (4000, 5), (0, 2)]
    for side, level in borders:
        assert pyramid_level(jnp.full(2, float(side)), finest=2, coarsest=5) == max(2, level)


def test_areas_are_those_of_levels(float64):
    for level in (2, 3, 4):
        least, beyond = level_areas(level, canonical=8.0, canonical_level=3)
        for area, expected in ((least, level), (beyond * (1 - 1e-9), level), (beyond, min(4, level + 1))):
            assert pyramid_level(jnp.array([area, 1.0]), **LEVELS) == expected


def test_levels_are_the_likest_anchors_where_no_side_is_more_than_twice_the_other():
    """Squares of √2 times a level's least side: of two squares, one in the box and one around it, the box's area says
    which is more like it.
    """
    rng, placed = np.random.default_rng(0), slots()
    for _ in range(20):
        boxes, labels = jnp.asarray(objects(rng, 6), jnp.float32), jnp.asarray(rng.integers(-1, 3, 6))
        predicted = jnp.zeros((len(placed.stride), 4))
        by_level = assign_by_level(boxes, labels, predicted, placed, **LEVELS)
        jax.tree.map(np.testing.assert_array_equal, by_level, assign(boxes, labels, predicted, placed))


def test_an_object_is_told_to_the_cell_of_its_level():
    box = jnp.array([[20.0, 10, 32, 12], [0, 0, 7.9, 8]])  # √(12 · 2) = 4.9: both belong to the finest
    found = assign_by_level(box, jnp.array([1, 2]), jnp.zeros((336, 4)), slots(), **LEVELS)
    rows_of_16, first_of_finest = 16, 16 + 64
    assert np.flatnonzero(found.responsible).tolist() == [
        first_of_finest + 1 * rows_of_16 + 0,  # (3.95, 4): column 0, row 1
        first_of_finest + 2 * rows_of_16 + 6,  # (26, 11)
    ]


def test_the_top_down_path_is_that_of_loops(float64):
    rng = np.random.default_rng(0)
    laterals = [rng.normal(size=(2, 3 * side, 2 * side, 4)) for side in (4, 2, 1)]
    expected = [laterals[0].copy(), laterals[1].copy(), laterals[2]]
    for level in (1, 0):
        for row, column in np.ndindex(expected[level].shape[1:3]):
            expected[level][:, row, column] += expected[level + 1][:, row // 2, column // 2]
    found = top_down([jnp.asarray(each) for each in laterals])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_scales_of_an_image_are_blocks_and_means_of_blocks():
    images = jnp.arange(2 * 4 * 4 * 1.0).reshape(2, 4, 4, 1)
    np.testing.assert_array_equal(image_at_scale(images, octave=0), images)
    np.testing.assert_array_equal(image_at_scale(image_at_scale(images, octave=2), octave=-2), images)
    np.testing.assert_array_equal(image_at_scale(images, octave=-1)[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])
    assert image_at_scale(images, octave=1).shape == (2, 8, 8, 1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"doubled does not fit one of shape \(1, 3, 4, 2\)"):
        top_down([jnp.zeros((1, 3, 4, 2)), jnp.zeros((1, 2, 2, 2))])
    with pytest.raises(ValueError, match="blocks of 4 × 4 do not tile"):
        image_at_scale(jnp.zeros((1, 6, 8, 1)), octave=-2)
    with pytest.raises(ValueError, match="no level lies between"):
        pyramid_level(jnp.ones(2), finest=3, coarsest=2)
