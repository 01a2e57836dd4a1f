"""Dropout against its closed forms: values, mean and variance of independent entries, the masked gradient."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from programs import jit_of_draws

from models.layers.dropout import dropout

CASES = {dropout: Case(options={"rate": 0.4})}

DRAWS = 40_000
VALUES = np.array([[0.5, -1.0, 2.0], [3.0, -0.25, 1.5]])


@functools.cache
def draws(rate):
    keys = jax.random.split(jax.random.key(0), DRAWS)
    return np.asarray(jit_of_draws(jax.vmap(lambda key: dropout(key, jnp.asarray(VALUES), rate=rate)))(keys))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_an_entry_is_either_zero_or_divided_by_the_probability_of_keeping_it(float64, rate):
    found = draws(rate)
    np.testing.assert_array_equal(found[found != 0], np.broadcast_to(VALUES / (1 - rate), found.shape)[found != 0])


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_mean_and_variance_agree_within_five_standard_errors(float64, rate):
    """E = x and Var = x² p/(1 − p); a kept entry is x/q with q = 1 − p, so the fourth central moment is known too."""
    found, keep = draws(rate), 1 - rate
    variance = VALUES**2 * rate / keep
    fourth = VALUES**4 * (keep * (1 / keep - 1) ** 4 + rate)
    np.testing.assert_array_less(np.abs(found.mean(0) - VALUES), 5 * np.sqrt(variance / DRAWS))
    error = np.sqrt((fourth - variance**2) / DRAWS)
    np.testing.assert_array_less(np.abs(((found - VALUES) ** 2).mean(0) - variance), 5 * error + 1e-14)  # rounding


def test_entries_are_dropped_independently(float64):
    """Correlations of six independent entries are of order 1/√draws."""
    correlation = np.corrcoef((draws(0.3) != 0).reshape(DRAWS, -1).T)
    assert np.abs(correlation - np.eye(6)).max() < 5 / np.sqrt(DRAWS)


def test_rate_zero_is_the_identity(float64):
    np.testing.assert_array_equal(draws(0.0), np.broadcast_to(VALUES, (DRAWS, 2, 3)))


def test_the_gradient_passes_where_the_entry_was_kept_with_the_same_factor(float64):

    @jit_of_draws
    @jax.vmap
    def result_and_gradient(key):
        dropped, pull = jax.vjp(lambda values: dropout(key, values, rate=0.4), jnp.asarray(VALUES))
        return dropped, *pull(jnp.ones((2, 3)))

    dropped, gradient = map(np.asarray, result_and_gradient(jax.random.split(jax.random.key(1), 20)))
    np.testing.assert_array_equal(gradient, np.where(dropped == 0, 0.0, 1 / (1 - 0.4)))


def test_one_key_gives_one_mask(float64):
    key, other = jax.random.split(jax.random.key(2))
    ones = jnp.ones((8, 8))
    first, again, elsewhere = (dropout(k, ones, rate=0.5) for k in (key, key, other))
    np.testing.assert_array_equal(first, again)
    assert (first != elsewhere).any()


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5])
def test_a_rate_that_is_no_probability_of_dropping_is_refused(rate):
    with pytest.raises(ValueError, match=f"got {rate}"):
        dropout(jax.random.key(0), jnp.ones(3), rate=rate)
