"""Oracles of ``models/rbm.py``: sums over every state of machines of a few units."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from cases import Case
from enumerated_machine import (
    VISIBLE,
    close,
    empirical,
    enumerate_machine,
    largest,
    minus,
    over_pairs,
    over_rows,
    random_machine,
    some_data,
    statistics_under,
    transition_matrix,
)
from programs import jit_of_draws

from losses.likelihoods import bernoulli_log_likelihood
from models.rbm import (
    RBM,
    contrastive_divergence,
    energy,
    free_energy,
    gibbs_chain,
    gibbs_step,
    hidden_probabilities,
    independent_bias,
    init_rbm,
    pseudo_log_likelihood,
    transpose,
    visible_probabilities,
)
from models.rbm_partition import log_partition

CASES = {
    init_rbm: Case(lambda rng: (jax.random.key(int(rng.integers(100))), rng.uniform(0.1, 0.9, 3)), {"hidden": 2}),
    independent_bias: Case(lambda rng: (rng.uniform(0.1, 0.9, 3),)),
    gibbs_step: Case(constant_almost_everywhere=True),
    gibbs_chain: Case(options={"steps": 2}, constant_almost_everywhere=True),
}


energies_of_all = jax.jit(jax.vmap(jax.vmap(energy, (None, None, 0)), (None, 0, None)))
cd_gradient = jax.jit(contrastive_divergence)


@pytest.fixture(params=[0, 1])
def machine(request, float64):
    return enumerate_machine(random_machine(seed=request.param))


def test_energy_of_one_configuration_by_hand():
    """Units 1 and 3 on, and hidden unit 2: −(a₁ + a₃) − b₂ − (W₁₂ + W₃₂)."""
    rbm = RBM(jnp.arange(6.0).reshape(3, 2), jnp.array([10.0, 20.0, 40.0]), jnp.array([100.0, 200.0]))
    assert energy(rbm, jnp.array([1.0, 0.0, 1.0]), jnp.array([0.0, 1.0])) == -(50 + 200 + 1 + 5)


def test_energy_is_minus_the_log_probability_up_to_log_z(machine):
    energies = energies_of_all(machine.rbm, machine.visible, machine.hidden)
    close(-np.asarray(energies) - machine.log_z, np.log(machine.joint))


def test_free_energy_is_minus_the_log_of_the_sum_over_hidden_states(machine):
    marginal = machine.joint.sum(axis=1)
    close(-over_rows(free_energy)(machine.rbm, machine.visible), np.log(marginal) + machine.log_z)


def test_pseudo_likelihood_is_the_sum_of_each_bits_log_conditional(machine):
    """p(v_i | v_−i) of the marginal by enumeration: v's probability over that of v and of v with bit i flipped."""
    marginal = machine.joint.sum(axis=1)
    place = {tuple(row): index for index, row in enumerate(machine.visible)}
    expected = np.zeros(len(marginal))
    for index, row in enumerate(machine.visible):
        for bit in range(VISIBLE):
            flipped = row.copy()
            flipped[bit] = 1 - flipped[bit]
            expected[index] += np.log(marginal[index] / (marginal[index] + marginal[place[tuple(flipped)]]))
    close(over_rows(pseudo_log_likelihood)(machine.rbm, machine.visible), expected)


def test_pseudo_likelihood_of_independent_units_is_their_likelihood(machine):
    rbm = machine.rbm._replace(weights=jnp.zeros_like(machine.rbm.weights))
    expected = over_rows(lambda rbm, row: bernoulli_log_likelihood(row, rbm.visible_bias))(rbm, machine.visible)
    close(over_rows(pseudo_log_likelihood)(rbm, machine.visible), expected)


def test_free_energy_stays_finite_far_from_zero(float64):
    rbm = RBM(jnp.full((2, 1), 800.0), jnp.zeros(2), jnp.zeros(1))
    assert free_energy(rbm, jnp.ones(2)) == -1600


def test_conditional_probabilities_are_those_of_the_joint_distribution(machine):
    up = machine.joint @ machine.hidden / machine.joint.sum(axis=1, keepdims=True)
    down = machine.joint.T @ machine.visible / machine.joint.sum(axis=0)[:, None]
    close(over_rows(hidden_probabilities)(machine.rbm, machine.visible), up)
    close(over_rows(visible_probabilities)(machine.rbm, machine.hidden), down)


def test_the_posterior_of_the_hidden_units_factorises(machine):
    """So the mean-field bound  E_q[−E(v, h)] + H(q) ≤ −F(v)  is an equality at q = Π_j q_j, and nowhere else."""
    mean = over_rows(hidden_probabilities)(machine.rbm, machine.visible)
    for shifted in (mean, 0.9 * mean + 0.05):
        expected_energy = over_pairs(energy)(machine.rbm, machine.visible, shifted)  # linear in h
        entropy = (scipy.special.entr(shifted) + scipy.special.entr(1 - shifted)).sum(axis=1)
        gap = -over_rows(free_energy)(machine.rbm, machine.visible) - (entropy - expected_energy)
        assert (abs(gap) < 1e-10).all() if shifted is mean else (gap > 1e-4).all()


def test_a_transposed_machine_is_the_same_distribution(machine):
    other = transpose(machine.rbm)
    close(over_rows(free_energy)(other, machine.hidden), -np.log(machine.joint.sum(axis=0)) - machine.log_z)
    close(log_partition(other), machine.log_z)


def mean_free_energy(rbm, rows):
    return jax.vmap(free_energy, (None, 0))(rbm, rows).mean()


def test_contrastive_divergence_is_the_gradient_of_a_difference_of_free_energies(machine):
    data, model = some_data(), some_data(5, seed=4)

    def difference(rbm):
        return mean_free_energy(rbm, data) - mean_free_energy(rbm, model)

    close(cd_gradient(machine.rbm, data, model), jax.jit(jax.grad(difference))(machine.rbm))


def test_contrastive_divergence_vanishes_where_the_model_is_the_data(machine):
    data = some_data()
    assert largest(cd_gradient(machine.rbm, data, np.asarray(data)[::-1])) < 1e-15


many_steps = jit_of_draws(jax.vmap(gibbs_step, (0, None, None)))


@partial(jit_of_draws, static_argnames="steps")
def many_chains(keys, rbm, starts, *, steps):
    return jax.vmap(lambda key, start: gibbs_chain(key, rbm, start, steps=steps))(keys, starts)


def test_a_gibbs_step_follows_the_exact_transition_matrix(machine):
    """From each state 20,000 draws: every frequency within six standard errors."""
    draws, exact = 20_000, transition_matrix(machine)
    keys = jax.random.split(jax.random.key(0), draws)
    for start, expected in zip(machine.visible, exact, strict=True):
        frequencies = empirical(machine, many_steps(keys, machine.rbm, start))
        assert (np.abs(frequencies - expected) <= 6 * np.sqrt(expected * (1 - expected) / draws) + 1e-4).all()


def test_gibbs_steps_leave_the_models_distribution_as_it_is(machine):
    marginal = machine.joint.sum(axis=1)
    close(marginal @ transition_matrix(machine), marginal)
    draws = 20_000
    rows = np.random.default_rng(0).choice(len(marginal), size=draws, p=marginal)
    moved = many_chains(jax.random.split(jax.random.key(1), draws), machine.rbm, machine.visible[rows], steps=3)
    assert (np.abs(empirical(machine, moved) - marginal) <= 6 * np.sqrt(marginal * (1 - marginal) / draws) + 1e-4).all()


def test_a_chain_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step, got 0"):
        gibbs_chain(jax.random.key(0), random_machine(), jnp.zeros(VISIBLE), steps=0)


def expected_cd(machine, data, steps):
    """The expectation of CD-k by powers of the transition matrix."""
    start = empirical(machine, data)
    end = start @ np.linalg.matrix_power(transition_matrix(machine), steps)
    return minus(statistics_under(machine, end), statistics_under(machine, start))


@partial(jit_of_draws, static_argnames="steps")
def many_cd_gradients(keys, rbm, data, *, steps):
    def gradient(key):
        keys = jax.random.split(key, len(data))
        ends = jax.vmap(lambda key, start: gibbs_chain(key, rbm, start, steps=steps))(keys, data)
        return contrastive_divergence(rbm, data, ends)

    return jax.vmap(gradient)(keys)


@pytest.mark.parametrize("steps", [1, 4])
def test_cd_k_is_on_average_what_the_transition_matrix_says(machine, steps):
    """Of 4,000 CD-k gradients of seven examples each, the mean is within five standard errors, entry by entry."""
    data = some_data()
    gradients = many_cd_gradients(jax.random.split(jax.random.key(2), 4000), machine.rbm, data, steps=steps)
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
