"""The maximum's gradient by brute force, also where entries are equal."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case

from models.layers.maximum import maximum

CASES = {maximum: Case(options={"axis": 0})}


def test_value_and_gradient_are_the_first_largest_entrys(float64):
    """Entries of {0, 1, 2}: most columns have several that are largest."""
    values = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(float)
    cotangent = np.random.default_rng(1).normal(size=(4, 6))
    largest, pullback = jax.vjp(lambda x: maximum(x, axis=1), jnp.asarray(values))
    expected = np.zeros_like(values)
    for i, j in np.ndindex(4, 6):
        expected[i, list(values[i, :, j]).index(max(values[i, :, j])), j] = cotangent[i, j]
    np.testing.assert_array_equal(largest, values.max(axis=1))
    np.testing.assert_array_equal(pullback(jnp.asarray(cotangent))[0], expected)


def test_the_docstrings_example_and_an_axis_from_behind():
    np.testing.assert_array_equal(jax.grad(lambda x: maximum(x, axis=-1))(jnp.asarray([1.0, 3.0, 3.0])), [0, 1, 0])


def test_nan_is_largest():
    assert np.isnan(maximum(jnp.asarray([1.0, np.nan, 3.0]), axis=0))
