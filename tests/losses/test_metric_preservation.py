"""Errors of tables of distances are sums written out; what lies between two is on the line."""

import jax.numpy as jnp
import numpy as np
from cases import Case

from losses.metric_preservation import distance_error, interpolated


def tables(rng):
    return rng.uniform(1, 2, size=(2, 4)), rng.uniform(1, 2, size=(2, 4))


CASES = {
    distance_error: Case(tables),
    interpolated: Case(lambda rng: (*tables(rng), np.array(rng.uniform()))),
}


def test_the_error_is_in_parts_of_what_is_wanted(float64):
    found, wanted = tables(np.random.default_rng(0))
    by_hand = sum((found[i, j] - wanted[i, j]) ** 2 for i in range(2) for j in range(4))
    by_hand /= sum(wanted[i, j] ** 2 for i in range(2) for j in range(4))
    np.testing.assert_allclose(distance_error(jnp.asarray(found), jnp.asarray(wanted)), by_hand)
    np.testing.assert_allclose(distance_error(3 * jnp.asarray(found), 3 * jnp.asarray(wanted)), by_hand)
    np.testing.assert_allclose(distance_error(1.1 * jnp.asarray(wanted), jnp.asarray(wanted)), 0.01)


def test_between_two_is_a_convex_combination(float64):
    first, second = map(jnp.asarray, tables(np.random.default_rng(1)))
    np.testing.assert_allclose(interpolated(first, second, jnp.asarray(0.25)), 0.75 * first + 0.25 * second)
    np.testing.assert_array_equal(interpolated(first, second, jnp.asarray(0.0)), first)
