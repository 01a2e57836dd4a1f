"""Cells of an interval against NumPy's histogram and the half cell by which a value may be off."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.cells import cell_centre, cell_membership

CASES = {cell_membership: Case(options={"levels": 4}, constant_almost_everywhere=True)}

VALUES = np.random.default_rng(0).normal(size=(500, 3))
LOW, HIGH = VALUES.min(axis=0), VALUES.max(axis=0)


def members(values, levels):
    return jax.vmap(lambda value: cell_membership(value, jnp.asarray(LOW), jnp.asarray(HIGH), levels=levels))(values)


def test_counts_are_those_of_a_histogram(float64):
    counts = np.asarray(members(jnp.asarray(VALUES), 7)).sum(axis=0)
    for dimension in range(3):
        expected, _ = np.histogram(VALUES[:, dimension], bins=7, range=(LOW[dimension], HIGH[dimension]))
        np.testing.assert_array_equal(counts[dimension], expected)


@pytest.mark.parametrize("levels", [7, 41, 47, 61])
def test_whole_numbers_lie_in_cells_of_their_own(levels):
    """Where an array is divided by one number XLA multiplies by its reciprocal, and 41/41 is less than 1."""
    codes, low, high = jnp.arange(levels, dtype=jnp.float32)[:, None], jnp.zeros(1), jnp.full(1, float(levels))
    membership = jax.jit(jax.vmap(lambda code: cell_membership(code, low, high, levels=levels)))(codes)
    np.testing.assert_array_equal(membership[:, 0].argmax(axis=1), np.arange(levels))


def test_the_centre_is_within_half_a_cell_and_not_always_nearer(float64):
    for levels in (1, 2, 16):
        membership = members(jnp.asarray(VALUES), levels)
        centres = jax.vmap(lambda m: cell_centre(m, jnp.asarray(LOW), jnp.asarray(HIGH)))(membership)
        off, half = np.abs(centres - VALUES).max(axis=0), (HIGH - LOW) / (2 * levels)
        assert (off <= half + 1e-12).all()
        assert (off > 0.9 * half).all()


def test_what_lies_outside_is_at_the_ends_and_an_empty_interval_has_one_cell():
    outside = cell_membership(jnp.asarray([-5.0, 5.0, 3.0]), jnp.zeros(3), jnp.asarray([1.0, 1.0, 0.0]), levels=4)
    np.testing.assert_array_equal(jnp.argmax(outside, axis=1), [0, 3, 3])
    empty = cell_membership(jnp.zeros(1), jnp.zeros(1), jnp.zeros(1), levels=4)
    np.testing.assert_array_equal(empty, [[1, 0, 0, 0]])
    np.testing.assert_array_equal(cell_centre(empty, jnp.full(1, 2.0), jnp.full(1, 2.0)), [2.0])
