"""Losses of a regression against SciPy, their minimisers, their limits and finite differences."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest
import scipy.optimize
import scipy.special

from losses.regression import REGRESSION_LOSSES, absolute_error, pseudo_huber, squared_error

pytestmark = pytest.mark.usefixtures("float64")


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


@pytest.fixture
def pair():
    return np.random.default_rng(0).normal(scale=2.0, size=(2, 4, 3))


def test_l2_and_l1_by_hand():
    prediction, target = jnp.asarray([1.0, -2.0, 0.5]), jnp.asarray([3.0, 1.0, 0.25])
    assert squared_error(prediction, target) == 4 + 9 + 0.0625
    assert absolute_error(prediction, target) == 2 + 3 + 0.25


def test_l2_and_l1_are_numpys_norms(pair):
    prediction, target = pair
    close(REGRESSION_LOSSES["l2"](*map(jnp.asarray, pair)), np.linalg.norm(prediction - target) ** 2)
    close(REGRESSION_LOSSES["l1"](*map(jnp.asarray, pair)), np.linalg.norm((prediction - target).ravel(), 1))


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_a_target_that_is_met_pulls_nowhere(name):
    zeros = jnp.zeros(3)
    np.testing.assert_array_equal(jax.grad(REGRESSION_LOSSES[name])(zeros, zeros), np.zeros(3))


def test_l2_is_twice_optaxs_halved_one(pair):
    close(squared_error(*map(jnp.asarray, pair)), 2 * optax.l2_loss(*map(jnp.asarray, pair)).sum())


@pytest.mark.parametrize("delta", [0.1, 1.0, 7.0])
def test_pseudo_huber_is_scipys(pair, delta):
    expected = scipy.special.pseudo_huber(delta, pair[0] - pair[1]).sum()
    close(pseudo_huber(*map(jnp.asarray, pair), delta=delta), expected)


def test_the_tables_pseudo_huber_has_delta_one(pair):
    expected = scipy.special.pseudo_huber(1.0, pair[0] - pair[1]).sum()
    close(REGRESSION_LOSSES["pseudo_huber"](*map(jnp.asarray, pair)), expected)


@pytest.mark.parametrize("residual", [1e-7, 1e-4, 1e-2, 1.0, 1e3])
def test_pseudo_huber_keeps_its_digits_in_single_precision(residual):
    """1 + 1e-14 is 1 in float32; the loss is 5e-15 all the same."""
    single = np.float32(residual)
    expected = float(single) ** 2 / (1 + np.sqrt(1 + float(single) ** 2))
    found = pseudo_huber(jnp.asarray(single), jnp.float32(0))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, rtol=4 * 2**-24)  # four roundings


def test_pseudo_huber_is_half_the_l2_loss_near_and_delta_times_the_l1_loss_far():
    zero = jnp.float64(0)
    close(pseudo_huber(jnp.float64(1e-3), zero, delta=2.0) / 1e-6, 0.5, 1e-6)  # relative error (r/δ)²/4
    close(pseudo_huber(jnp.float64(1e6), zero, delta=2.0) / 1e6, 2.0, 1e-5)  # relative error δ/r


def test_pseudo_hubers_slope_is_bounded_by_delta(pair):
    residual = pair[0] - pair[1]
    found = jax.grad(pseudo_huber)(*map(jnp.asarray, pair), delta=0.7)
    close(found, residual / np.sqrt(1 + (residual / 0.7) ** 2))
    assert (np.abs(found) < 0.7).all()


def differences(function, point, step=1e-5):
    """Central differences: an error of order step² and of rounding / step, both about 1e-10."""
    steps = step * np.eye(point.size).reshape(-1, *point.shape)
    return np.stack([(function(point + s) - function(point - s)) / (2 * step) for s in steps]).reshape(point.shape)


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_gradients_are_finite_differences(pair, name):
    loss, target = jax.jit(REGRESSION_LOSSES[name]), jnp.asarray(pair[1])
    expected = differences(lambda prediction: loss(jnp.asarray(prediction), target), pair[0])
    close(jax.grad(loss)(jnp.asarray(pair[0]), target), expected, 1e-8)


@pytest.mark.parametrize(("name", "minimiser"), [("l2", np.mean), ("l1", np.median)])
def test_one_prediction_for_many_targets_is_their_mean_or_median(name, minimiser):
    targets = np.random.default_rng(1).exponential(size=21)
    total = jax.jit(lambda y: jax.vmap(REGRESSION_LOSSES[name], (None, 0))(y, jnp.asarray(targets)).sum())
    found = scipy.optimize.minimize_scalar(
        lambda y: float(total(y)), bounds=(0, 4), method="bounded", options={"xatol": 1e-9}
    )
    close(found.x, minimiser(targets), 1e-7)  # a search by values cannot see closer than √rounding
    assert abs(np.mean(targets) - np.median(targets)) > 0.1


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_shapes_that_would_broadcast_are_refused(name, monkeypatch):
    """Where types are not checked, as in a user's own program."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=r"\(3,\) and target \(3, 1\)"):
        REGRESSION_LOSSES[name](jnp.zeros(3), jnp.zeros((3, 1)))
