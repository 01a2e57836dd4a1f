"""Random arrays against ``jax.random``: the same bits, whatever the axes, the type and the keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.random_arrays import bernoulli, normal, uniform

CASES = {
    normal: Case(lambda rng: (jax.random.key(rng.integers(99)), (2, 3))),
    uniform: Case(lambda rng: (jax.random.key(rng.integers(99)), (2, 3))),
    bernoulli: Case(lambda rng: (jax.random.key(rng.integers(99)), 0.3, (2, 3))),
}
SHAPES = [(), (3,), (4, 5, 3), (0, 2)]


def of_many(draw):
    """For each of some keys, as programs draw."""
    return jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), 3))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("ours", "theirs"), [(normal, jax.random.normal), (uniform, jax.random.uniform)])
def test_numbers_have_the_bits_of_jax(ours, theirs, dtype, shape):
    found, expected = (of_many(lambda key, draw=draw: draw(key, shape, dtype)) for draw in (ours, theirs))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_ends_and_probabilities_are_those_of_jax(shape):
    of_each = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    pairs = [
        (
            lambda key: uniform(key, shape, jnp.float32, -2, 3),
            lambda key: jax.random.uniform(key, shape, jnp.float32, -2, 3),
        ),
        (lambda key: bernoulli(key, 0.3, shape), lambda key: jax.random.bernoulli(key, 0.3, shape)),
        (lambda key: bernoulli(key, of_each, shape), lambda key: jax.random.bernoulli(key, of_each, shape)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_array_equal(of_many(ours), of_many(theirs))


def test_a_probability_of_each_column_is_spread_over_the_rows():
    columns = jnp.asarray([0.0, 1.0])
    np.testing.assert_array_equal(bernoulli(jax.random.key(0), columns, (3, 2)), [[False, True]] * 3)
