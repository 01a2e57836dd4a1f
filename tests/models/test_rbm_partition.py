"""Oracles of ``models/rbm_partition.py``: sums over every state of machines of a few units."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from cases import Case
from enumerated_machine import (
    HIDDEN,
    VISIBLE,
    bits,
    close,
    empirical,
    enumerate_machine,
    minus,
    random_machine,
    some_data,
    statistics_under,
)
from programs import jit_of_draws

from models.rbm import RBM
from models.rbm_partition import (
    all_states,
    annealed_log_partition,
    annealed_log_weight,
    log_likelihood,
    log_partition,
    tempered,
)

CASES = {annealed_log_weight: Case(options={"temperatures": 3})}


exact_log_partition, estimate_of = jax.jit(log_partition), jax.jit(annealed_log_partition)


@pytest.fixture(params=[0, 1])
def machine(request, float64):
    return enumerate_machine(random_machine(seed=request.param))


@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (1, 1), (9, 2)])
def test_log_partition_is_the_sum_over_all_configurations(shape, float64):
    machine = enumerate_machine(random_machine(*shape))
    close(exact_log_partition(machine.rbm), machine.log_z)


def test_a_machine_too_large_to_enumerate_is_refused():
    with pytest.raises(ValueError, match=r"2\^21 states are too many"):
        jax.eval_shape(log_partition, RBM(jnp.zeros((21, 30)), jnp.zeros(21), jnp.zeros(30)))


def test_all_states_are_all_vectors_of_bits_once():
    np.testing.assert_array_equal(np.unique(all_states(5), axis=0), bits(5))
    assert all_states(5).shape == (32, 5)


@jax.jit
def log_likelihoods(rbm, rows):
    return jax.vmap(log_likelihood, (None, 0, None))(rbm, rows, log_partition(rbm))


def test_likelihoods_of_all_states_sum_to_one(machine):
    logs = log_likelihoods(machine.rbm, machine.visible)
    close(np.exp(logs), machine.joint.sum(axis=1))
    close(np.exp(logs).sum(), 1.0)


def test_the_likelihoods_gradient_is_the_positive_minus_the_negative_phase(machine):
    """Autodiff of the enumerated log-likelihood, against moments of the joint distribution."""
    data = some_data()

    gradient = jax.jit(jax.grad(lambda rbm: jnp.mean(log_likelihoods(rbm, data))))

    positive = statistics_under(machine, empirical(machine, data))
    negative = statistics_under(machine, machine.joint.sum(axis=1))
    close(gradient(machine.rbm), minus(positive, negative))


def test_tempering_goes_from_independent_units_to_the_machine(machine):
    base, between = np.array([0.3, -1.0, 2.0, 0.0]), jax.jit(tempered)
    close(between(machine.rbm, base, np.ones(())), machine.rbm)
    cold = enumerate_machine(between(machine.rbm, base, np.zeros(())))
    close(cold.joint.sum(axis=1) @ cold.visible, scipy.special.expit(base))
    close(exact_log_partition(cold.rbm), HIDDEN * np.log(2) + np.log1p(np.exp(base)).sum())


@partial(jit_of_draws, static_argnames=("temperatures", "chains"))
def log_weights(rbm, base, *, temperatures, chains):
    weigh = jax.vmap(lambda key: annealed_log_weight(key, rbm, base, temperatures=temperatures))
    return weigh(jax.random.split(jax.random.key(0), chains))


@pytest.mark.parametrize("temperatures", [1, 20])
def test_the_mean_importance_weight_is_the_partition_function(machine, temperatures):
    """Unbiased whatever the number of temperatures: within five standard errors of the mean, both stated by the code
    and measured here over 20,000 chains."""
    drawn = log_weights(machine.rbm, np.zeros(VISIBLE), temperatures=temperatures, chains=20_000)
    estimate = estimate_of(drawn)
    ratios = np.exp(np.asarray(drawn) - machine.log_z)
    error = ratios.std(ddof=1) / np.sqrt(len(ratios))
    assert abs(ratios.mean() - 1) < 5 * error < 0.3
    assert abs(estimate.value - machine.log_z) < 5 * estimate.standard_error
    close(estimate.standard_error, error / ratios.mean(), 1e-9)


def test_annealing_finds_the_partition_function_of_a_larger_machine(float64):
    """30 × 12 units and strong weights: one temperature is far off, 2,000 agree within four standard errors of 0.05."""
    rbm = random_machine(30, 12, seed=5, scale=1.0)
    exact = float(exact_log_partition(rbm))
    estimate = estimate_of(log_weights(rbm, np.zeros(30), temperatures=2000, chains=200))
    assert estimate.standard_error < 0.05
    assert abs(estimate.value - exact) < 4 * estimate.standard_error
    few = log_weights(rbm, np.zeros(30), temperatures=1, chains=200)
    assert np.mean(few) < exact - 5


def test_the_spread_of_the_weights_shrinks_as_temperatures_grow(float64):
    rbm = random_machine()
    few, many = (np.std(log_weights(rbm, np.zeros(VISIBLE), temperatures=t, chains=20_000)) for t in (1, 20))
    assert few > 3 * many


def test_annealing_without_temperatures_is_refused():
    with pytest.raises(ValueError, match="at least one temperature, got 0"):
        annealed_log_weight(jax.random.key(0), random_machine(), jnp.zeros(VISIBLE), temperatures=0)
