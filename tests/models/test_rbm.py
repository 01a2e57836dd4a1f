"""Oracles of ``models/rbm.py`` and ``models/rbm_partition.py``: sums over every state of machines of a few units."""

from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from models.rbm import (
    RBM,
    contrastive_divergence,
    energy,
    free_energy,
    gibbs_chain,
    gibbs_step,
    hidden_probabilities,
    init_rbm,
    transpose,
    visible_probabilities,
)
from models.rbm_partition import (
    all_states,
    annealed_log_partition,
    annealed_log_weight,
    log_likelihood,
    log_partition,
    tempered,
)

VISIBLE, HIDDEN = 4, 3


class Enumerated(NamedTuple):
    """A machine, its states, and the joint distribution [visible states, hidden states] by the energy's definition."""

    rbm: RBM
    visible: np.ndarray
    hidden: np.ndarray
    log_z: float
    joint: np.ndarray


def bits(units):
    return np.array(list(product([0.0, 1.0], repeat=units)))


def enumerate_machine(rbm):
    weights, a, b = map(np.asarray, rbm)
    visible, hidden = bits(len(a)), bits(len(b))
    minus_energy = (visible @ a)[:, None] + (hidden @ b)[None, :] + visible @ weights @ hidden.T
    log_z = scipy.special.logsumexp(minus_energy)
    return Enumerated(rbm, visible, hidden, log_z, np.exp(minus_energy - log_z))


def random_machine(visible=VISIBLE, hidden=HIDDEN, seed=0, scale=1.5):
    rng = np.random.default_rng(seed)
    shapes = (visible, hidden), (visible,), (hidden,)
    return RBM(*(jnp.asarray(scale * rng.normal(size=shape)) for shape in shapes))


@pytest.fixture(params=[0, 1])
def machine(request, float64):
    return enumerate_machine(random_machine(seed=request.param))


def transition_matrix(machine):
    """P(v → v′) of one block Gibbs step, from the joint distribution alone: Σ_h p(h | v) p(v′ | h)."""
    up = machine.joint / machine.joint.sum(axis=1, keepdims=True)
    down = machine.joint / machine.joint.sum(axis=0, keepdims=True)
    return up @ down.T


def close(actual, expected, tolerance=1e-11):
    jax.tree.map(lambda a, e: np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance), actual, expected)


def over_rows(function):
    return jax.vmap(function, (None, 0))


def some_data(count=7, units=VISIBLE, seed=3):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 2, size=(count, units)).astype(float))


def statistics_under(machine, probabilities):
    """The mean of (v hᵀ, v, h) where v has these probabilities and h follows p(h | v), by sums over both."""
    joint = probabilities[:, None] * machine.joint / machine.joint.sum(axis=1, keepdims=True)
    return RBM(
        np.einsum("vh,vi,hj->ij", joint, machine.visible, machine.hidden),
        joint.sum(axis=1) @ machine.visible,
        joint.sum(axis=0) @ machine.hidden,
    )


def empirical(machine, data):
    """The share of each visible state among the rows of ``data``."""
    return (machine.visible[:, None] == np.asarray(data)[None]).all(-1).mean(axis=1)


def minus(one, other):
    return jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), one, other)


def largest(tree):
    return max(np.abs(leaf).max() for leaf in jax.tree.leaves(tree))


def test_energy_of_one_configuration_by_hand():
    """Units 1 and 3 on, and hidden unit 2: −(a₁ + a₃) − b₂ − (W₁₂ + W₃₂)."""
    rbm = RBM(jnp.arange(6.0).reshape(3, 2), jnp.array([10.0, 20.0, 40.0]), jnp.array([100.0, 200.0]))
    assert energy(rbm, jnp.array([1.0, 0.0, 1.0]), jnp.array([0.0, 1.0])) == -(50 + 200 + 1 + 5)


def test_energy_is_minus_the_log_probability_up_to_log_z(machine):
    of_all = jax.vmap(jax.vmap(energy, (None, None, 0)), (None, 0, None))
    energies = of_all(machine.rbm, jnp.asarray(machine.visible), jnp.asarray(machine.hidden))
    close(-energies - machine.log_z, np.log(machine.joint))


def test_free_energy_is_minus_the_log_of_the_sum_over_hidden_states(machine):
    marginal = machine.joint.sum(axis=1)
    close(-over_rows(free_energy)(machine.rbm, jnp.asarray(machine.visible)), np.log(marginal) + machine.log_z)


def test_free_energy_stays_finite_far_from_zero(float64):
    rbm = RBM(jnp.full((2, 1), 800.0), jnp.zeros(2), jnp.zeros(1))
    assert free_energy(rbm, jnp.ones(2)) == -1600


def test_conditional_probabilities_are_those_of_the_joint_distribution(machine):
    up = machine.joint @ machine.hidden / machine.joint.sum(axis=1, keepdims=True)
    down = machine.joint.T @ machine.visible / machine.joint.sum(axis=0)[:, None]
    close(over_rows(hidden_probabilities)(machine.rbm, jnp.asarray(machine.visible)), up)
    close(over_rows(visible_probabilities)(machine.rbm, jnp.asarray(machine.hidden)), down)


def test_the_posterior_of_the_hidden_units_factorises(machine):
    """So the mean-field bound  E_q[−E(v, h)] + H(q) ≤ −F(v)  is an equality at q = Π_j q_j, and nowhere else."""
    for visible in jnp.asarray(machine.visible):
        mean = np.asarray(hidden_probabilities(machine.rbm, visible))
        for shifted in (mean, 0.9 * mean + 0.05):
            expected_energy = energy(machine.rbm, visible, jnp.asarray(shifted))  # linear in h
            entropy = scipy.special.entr(shifted).sum() + scipy.special.entr(1 - shifted).sum()
            gap = -free_energy(machine.rbm, visible) - (entropy - expected_energy)
            assert abs(gap) < 1e-10 if shifted is mean else gap > 1e-4


def test_a_transposed_machine_is_the_same_distribution(machine):
    other = transpose(machine.rbm)
    close(
        over_rows(free_energy)(other, jnp.asarray(machine.hidden)), -np.log(machine.joint.sum(axis=0)) - machine.log_z
    )
    close(log_partition(other), machine.log_z)


@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (1, 1), (9, 2)])
def test_log_partition_is_the_sum_over_all_configurations(shape, float64):
    machine = enumerate_machine(random_machine(*shape))
    close(log_partition(machine.rbm), machine.log_z)


def test_a_machine_too_large_to_enumerate_is_refused():
    with pytest.raises(ValueError, match=r"2\^21 states are too many"):
        jax.eval_shape(log_partition, RBM(jnp.zeros((21, 30)), jnp.zeros(21), jnp.zeros(30)))


def test_all_states_are_all_vectors_of_bits_once():
    np.testing.assert_array_equal(np.unique(all_states(5), axis=0), bits(5))
    assert all_states(5).shape == (32, 5)


def test_likelihoods_of_all_states_sum_to_one(machine):
    logs = jax.vmap(log_likelihood, (None, 0, None))(
        machine.rbm, jnp.asarray(machine.visible), log_partition(machine.rbm)
    )
    close(np.exp(logs), machine.joint.sum(axis=1))
    close(np.exp(logs).sum(), 1.0)


def test_the_likelihoods_gradient_is_the_positive_minus_the_negative_phase(machine):
    """Autodiff of the enumerated log-likelihood, against moments of the joint distribution."""
    data = some_data()

    def mean_log_likelihood(rbm):
        return jnp.mean(jax.vmap(log_likelihood, (None, 0, None))(rbm, data, log_partition(rbm)))

    positive = statistics_under(machine, empirical(machine, data))
    negative = statistics_under(machine, machine.joint.sum(axis=1))
    close(jax.grad(mean_log_likelihood)(machine.rbm), minus(positive, negative))


def test_contrastive_divergence_is_the_gradient_of_a_difference_of_free_energies(machine):
    data, model = some_data(), some_data(5, seed=4)

    def difference(rbm):
        return over_rows(free_energy)(rbm, data).mean() - over_rows(free_energy)(rbm, model).mean()

    close(contrastive_divergence(machine.rbm, data, model), jax.grad(difference)(machine.rbm))


def test_contrastive_divergence_vanishes_where_the_model_is_the_data(machine):
    data = some_data()
    assert largest(contrastive_divergence(machine.rbm, data, data[::-1])) < 1e-15


def test_a_gibbs_step_follows_the_exact_transition_matrix(machine):
    """From each state 20,000 draws: every frequency within six standard errors."""
    draws, exact = 20_000, transition_matrix(machine)
    keys = jax.random.split(jax.random.key(0), draws)
    step = jax.jit(jax.vmap(gibbs_step, (0, None, None)))
    for start, expected in zip(machine.visible, exact, strict=True):
        frequencies = empirical(machine, step(keys, machine.rbm, jnp.asarray(start)))
        assert (np.abs(frequencies - expected) <= 6 * np.sqrt(expected * (1 - expected) / draws) + 1e-4).all()


def test_gibbs_steps_leave_the_models_distribution_as_it_is(machine):
    marginal = machine.joint.sum(axis=1)
    close(marginal @ transition_matrix(machine), marginal)
    draws = 40_000
    rows = np.random.default_rng(0).choice(len(marginal), size=draws, p=marginal)
    chain = jax.jit(jax.vmap(lambda key, v: gibbs_chain(key, machine.rbm, v, steps=3)))
    moved = chain(jax.random.split(jax.random.key(1), draws), jnp.asarray(machine.visible[rows]))
    assert (np.abs(empirical(machine, moved) - marginal) <= 6 * np.sqrt(marginal * (1 - marginal) / draws) + 1e-4).all()


def test_a_chain_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step, got 0"):
        gibbs_chain(jax.random.key(0), random_machine(), jnp.zeros(VISIBLE), steps=0)


def expected_cd(machine, data, steps):
    """The expectation of CD-k by powers of the transition matrix."""
    start = empirical(machine, data)
    end = start @ np.linalg.matrix_power(transition_matrix(machine), steps)
    return minus(statistics_under(machine, end), statistics_under(machine, start))


@pytest.mark.parametrize("steps", [1, 4])
def test_cd_k_is_on_average_what_the_transition_matrix_says(machine, steps):
    """Of 4,000 CD-k gradients of seven examples each, the mean is within five standard errors, entry by entry."""
    data = some_data()

    @jax.jit
    @jax.vmap
    def gradient(key):
        keys = jax.random.split(key, len(data))
        ends = jax.vmap(lambda k, v: gibbs_chain(k, machine.rbm, v, steps=steps))(keys, data)
        return contrastive_divergence(machine.rbm, data, ends)

    gradients = gradient(jax.random.split(jax.random.key(2), 4000))
    for drawn, exact in zip(gradients, expected_cd(machine, data, steps), strict=True):
        error = np.abs(np.asarray(drawn).mean(axis=0) - exact)
        assert (error <= 5 * np.asarray(drawn).std(axis=0) / np.sqrt(len(drawn)) + 1e-12).all()


def test_cd_k_tends_to_the_gradient_of_the_likelihood(machine):
    """Geometrically, at the rate of the transition matrix's second eigenvalue."""
    data = some_data()
    exact = minus(
        statistics_under(machine, machine.joint.sum(axis=1)), statistics_under(machine, empirical(machine, data))
    )
    second = np.sort(np.abs(np.linalg.eigvals(transition_matrix(machine))))[-2]
    errors = [largest(minus(expected_cd(machine, data, steps), exact)) for steps in (1, 10, 100)]
    assert errors[0] > 1e-3
    assert errors[1] < errors[0]
    assert errors[2] < 10 * second**99 * errors[0] + 1e-12


def test_an_untrained_machine_has_the_means_of_the_data(float64):
    mean = jnp.array([0.2, 0.5, 0.9, 0.0, 1.0])
    rbm = init_rbm(jax.random.key(0), mean, hidden=400)
    without_weights = rbm._replace(weights=jnp.zeros_like(rbm.weights))
    expected = np.clip(mean, 0.01, 0.99)
    close(visible_probabilities(without_weights, jnp.ones(400)), expected, 1e-12)
    assert abs(np.std(rbm.weights) - 0.01) < 0.001
    np.testing.assert_array_equal(rbm.hidden_bias, 0)


def test_tempering_goes_from_independent_units_to_the_machine(machine):
    base = jnp.asarray([0.3, -1.0, 2.0, 0.0])
    close(tempered(machine.rbm, base, jnp.ones(())), machine.rbm)
    cold = enumerate_machine(tempered(machine.rbm, base, jnp.zeros(())))
    close(cold.joint.sum(axis=1) @ cold.visible, scipy.special.expit(base))
    close(log_partition(cold.rbm), HIDDEN * np.log(2) + np.log1p(np.exp(base)).sum())


def log_weights(rbm, base, *, temperatures, chains, seed=0):
    weigh = jax.jit(jax.vmap(lambda key: annealed_log_weight(key, rbm, base, temperatures=temperatures)))
    return weigh(jax.random.split(jax.random.key(seed), chains))


@pytest.mark.parametrize("temperatures", [1, 20])
def test_the_mean_importance_weight_is_the_partition_function(machine, temperatures):
    """Unbiased whatever the number of temperatures: within five standard errors of the mean, both stated by the code
    and measured here over 20,000 chains."""
    drawn = log_weights(machine.rbm, jnp.zeros(VISIBLE), temperatures=temperatures, chains=20_000)
    estimate = annealed_log_partition(drawn)
    ratios = np.exp(np.asarray(drawn) - machine.log_z)
    error = ratios.std(ddof=1) / np.sqrt(len(ratios))
    assert abs(ratios.mean() - 1) < 5 * error < 0.3
    assert abs(estimate.value - machine.log_z) < 5 * estimate.standard_error
    close(estimate.standard_error, error / ratios.mean(), 1e-9)


def test_annealing_finds_the_partition_function_of_a_larger_machine(float64):
    """30 × 12 units and strong weights: one temperature is far off, 2,000 agree within four standard errors of 0.05."""
    rbm = random_machine(30, 12, seed=5, scale=1.0)
    exact = float(log_partition(rbm))
    estimate = annealed_log_partition(log_weights(rbm, jnp.zeros(30), temperatures=2000, chains=200))
    assert estimate.standard_error < 0.05
    assert abs(estimate.value - exact) < 4 * estimate.standard_error
    few = log_weights(rbm, jnp.zeros(30), temperatures=1, chains=200)
    assert np.mean(few) < exact - 5


def test_the_spread_of_the_weights_shrinks_as_temperatures_grow(float64):
    rbm = random_machine()
    few, many = (np.std(log_weights(rbm, jnp.zeros(VISIBLE), temperatures=t, chains=1000)) for t in (2, 50))
    assert few > 3 * many


def test_annealing_without_temperatures_is_refused():
    with pytest.raises(ValueError, match="at least one temperature, got 0"):
        annealed_log_weight(jax.random.key(0), random_machine(), jnp.zeros(VISIBLE), temperatures=0)
