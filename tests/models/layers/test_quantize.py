"""Vector quantisation against brute force, Lloyd's iteration and the moving averages written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial import cKDTree

from models.layers.quantize import moving_average_codebook, nearest_code, straight_through


def codebook_and_its_statistics(rng):
    """Codes and sums, and before each of them a positive number."""
    return rng.normal(size=(3, 2)), rng.uniform(0.5, 2, 3), rng.uniform(0.5, 2, 3), rng.normal(size=(3, 2))


CASES = {
    moving_average_codebook: Case(codebook_and_its_statistics, {"decay": 0.9}),
    nearest_code: Case(constant_almost_everywhere=True),
}

DECAY = 0.9


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_nearest_code_is_that_of_a_k_d_tree(float64):
    vectors, codebook = random(500, 5), random(40, 5, seed=1)
    found = jax.vmap(nearest_code, (0, None))(jnp.asarray(vectors), jnp.asarray(codebook))
    np.testing.assert_array_equal(found, cKDTree(codebook).query(vectors)[1])


@settings(deadline=None, max_examples=60)
@given(
    arrays.arrays(np.float32, (3,), elements=st.floats(-4, 4, width=16)),
    arrays.arrays(np.float32, (6, 3), elements=st.floats(-4, 4, width=16)),
)
def test_no_code_is_nearer_than_the_nearest(vector, codebook):
    """Repeated codes and ties come up here: the distance is the least one, to the rounding of its two terms."""
    distances = ((codebook.astype(np.float64) - vector) ** 2).sum(axis=1)
    chosen = distances[int(nearest_code(jnp.asarray(vector), jnp.asarray(codebook)))]
    assert chosen <= distances.min() + 1e-4


def test_of_equal_codes_the_first_is_nearest():
    assert nearest_code(jnp.ones(2), jnp.asarray([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])) == 1


def test_a_code_is_nearest_to_itself(float64):
    codebook = jnp.asarray(random(30, 4))
    np.testing.assert_array_equal(jax.vmap(nearest_code, (0, None))(codebook, codebook), np.arange(30))


def test_straight_through_is_the_code_with_the_vectors_derivative(float64):
    vector, code, outside = (jnp.asarray(random(4, seed=seed)) for seed in range(3))
    np.testing.assert_array_equal(straight_through(vector, code), code)
    of_vector, of_code = jax.grad(lambda v, c: jnp.sum(outside * straight_through(v, c) ** 2), (0, 1))(vector, code)
    np.testing.assert_allclose(of_vector, 2 * outside * code, rtol=1e-12)
    np.testing.assert_array_equal(of_code, np.zeros(4))


def choices(seed, examples=30, codes=5, dimensions=2):
    """Counts and sums of vectors that choose among all codes but the last."""
    rng = np.random.default_rng(seed)
    vectors, chosen = rng.normal(size=(examples, dimensions)), rng.integers(0, codes - 1, examples)
    one_hot = np.eye(codes)[chosen]
    return one_hot.sum(axis=0), one_hot.T @ vectors


def test_moving_codebook_is_the_ratio_of_two_moving_averages(float64):
    """van den Oord et al. 2017, equations 6 to 8, from N = 0 and m = 0, over five batches."""
    codebook, usage = jnp.asarray(random(5, 2)), jnp.zeros(5)
    sizes, numerators, start = np.zeros(5), np.zeros((5, 2)), codebook
    for seed in range(5):
        counts, sums = choices(seed)
        sizes = DECAY * sizes + (1 - DECAY) * counts
        numerators = DECAY * numerators + (1 - DECAY) * sums
        given_arrays = (jnp.asarray(counts), jnp.asarray(sums))
        codebook, usage = moving_average_codebook(codebook, usage, *given_arrays, decay=DECAY)
    np.testing.assert_allclose(usage, sizes, rtol=1e-12)
    np.testing.assert_allclose(codebook[:4], numerators[:4] / sizes[:4, None], rtol=1e-12)
    np.testing.assert_array_equal(codebook[4], start[4])


def test_without_memory_it_is_a_step_of_k_means(float64):
    codebook, (counts, sums) = jnp.asarray(random(5, 2)), choices(0)
    moved, _ = moving_average_codebook(codebook, jnp.ones(5), jnp.asarray(counts), jnp.asarray(sums), decay=0.0)
    np.testing.assert_allclose(moved[:4], sums[:4] / counts[:4, None], rtol=1e-12)


@pytest.mark.parametrize("examples", [2.0, 30.0])
def test_counts_and_sums_may_be_means(float64, examples):
    """The codes stay the same, and the usage is measured in the same unit."""
    codebook, usage, (counts, sums) = jnp.asarray(random(5, 2)), jnp.asarray(random(5, seed=3) ** 2), choices(0)
    counts, sums = jnp.asarray(counts), jnp.asarray(sums)
    totals = moving_average_codebook(codebook, usage, counts, sums, decay=DECAY)
    means = moving_average_codebook(codebook, usage / examples, counts / examples, sums / examples, decay=DECAY)
    np.testing.assert_allclose(means[0], totals[0], rtol=1e-12)
    np.testing.assert_allclose(means[1] * examples, totals[1], rtol=1e-12)


def test_a_code_that_is_never_chosen_stays_for_ever():
    """20,000 steps, in which its usage and numerator would have become 0/0 in single precision."""
    codebook, counts = jnp.asarray([[1.0, 2.0], [3.0, 4.0]]), jnp.asarray([1.0, 0.0])

    def step(carry, _):
        sums = counts[:, None] * jnp.asarray([5.0, 6.0])
        return moving_average_codebook(*carry, counts, sums, decay=0.99), None

    (after, usage), _ = jax.lax.scan(step, (codebook, jnp.ones(2)), None, 20_000)
    np.testing.assert_allclose(after, [[5.0, 6.0], [3.0, 4.0]], rtol=1e-5)
    assert usage[1] < 1e-30
