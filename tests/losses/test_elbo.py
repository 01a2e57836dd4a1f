"""Bounds of the log-likelihood against hand-computed values and exact identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from losses.elbo import elbo, importance_weighted_bound

log_weights = arrays(np.float64, 12, elements=st.floats(-50, 50))
bound = jax.jit(importance_weighted_bound)


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-13, atol=1e-13)


def test_elbo_by_hand(float64):
    close(elbo(jnp.asarray([-1.0, -3.0, -5.0]), jnp.float64(0.5)), -3.5)


@pytest.mark.parametrize(("beta", "expected"), [(0.0, -2.0), (1.0, -2.5), (4.0, -4.0)])
def test_beta_weighs_the_kl_term_only(float64, beta, expected):
    close(elbo(jnp.asarray([-1.0, -3.0]), jnp.float64(0.5), beta=beta), expected)


def test_bound_by_hand(float64):
    """log ½(1 + 3) = log 2."""
    close(importance_weighted_bound(jnp.log(jnp.asarray([1.0, 3.0]))), np.log(2))


def test_bound_of_one_sample_is_its_log_weight(float64):
    assert importance_weighted_bound(jnp.asarray([-1.25])) == -1.25


def test_bound_of_equal_weights_is_that_weight(float64):
    close(importance_weighted_bound(jnp.full(50, -87.0)), -87.0)


@pytest.mark.parametrize("weights", [[1e4, 1e4 - 1], [-1e4, -1e4 - 1], [1e4, -1e4]])
def test_bound_does_not_overflow(float64, weights):
    close(importance_weighted_bound(jnp.asarray(weights)), np.logaddexp.reduce(weights) - np.log(2))
    assert np.isfinite(jax.grad(importance_weighted_bound)(jnp.asarray(weights))).all()


def test_bounds_gradient_is_the_normalised_weights(float64):
    close(jax.grad(importance_weighted_bound)(jnp.log(jnp.asarray([1.0, 3.0, 4.0]))), [0.125, 0.375, 0.5])


@given(log_weights)
@settings(deadline=None, max_examples=60)
def test_bound_is_numpys_logaddexp_minus_log_k(weights):
    with jax.enable_x64(True):
        close(bound(jnp.asarray(weights)), np.logaddexp.reduce(weights) - np.log(12))


@given(log_weights, st.floats(-1e4, 1e4))
@settings(deadline=None, max_examples=60)
def test_a_constant_added_to_log_weights_is_added_to_the_bound(weights, constant):
    with jax.enable_x64(True):
        close(bound(jnp.asarray(weights + constant)), bound(jnp.asarray(weights)) + constant)


@given(log_weights)
@settings(deadline=None, max_examples=60)
def test_on_the_same_draws_the_bound_never_decreases_in_k(weights):
    """Jensen's inequality, draw by draw: K = 1 ≤ 3 ≤ 12 averaged over the parts of one set."""
    with jax.enable_x64(True):
        k1, k3, k12 = (np.mean([bound(jnp.asarray(part)) for part in np.split(weights, 12 // k)]) for k in (1, 3, 12))
        assert k1 <= k3 + 1e-12
        assert k3 <= k12 + 1e-12
