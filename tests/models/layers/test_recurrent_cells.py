"""Cells against their equations, written out in NumPy one gate at a time, and against Flax's."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.recurrent_cells import (
    RecurrentWeights,
    child_sum_lstm_step,
    elman_step,
    gru_step,
    lstm_step,
    mgu_step,
)

UNITS, FEATURES, BATCH = 3, 4, 2


def weights_of(rng, blocks, *, seeing=0, candidate_bias=False):
    """Weights of so many blocks, of which so many gates see the memory."""
    return RecurrentWeights(
        rng.normal(size=(FEATURES, blocks * UNITS)),
        rng.normal(size=(UNITS, blocks * UNITS)),
        rng.normal(size=blocks * UNITS),
        rng.normal(size=(UNITS, seeing * UNITS)) if seeing else None,
        rng.normal(size=UNITS) if candidate_bias else None,
    )


def arguments(rng, blocks, states, **more):
    """Weights, a state and the product of the input with W, plus b."""
    weights = weights_of(rng, blocks, **more)
    state = tuple(rng.normal(size=(BATCH, UNITS)) for _ in range(states))
    return weights, state, rng.normal(size=(BATCH, FEATURES)) @ weights.inputs + weights.bias


CASES = {
    elman_step: Case(lambda rng: arguments(rng, 1, 1)),
    lstm_step: Case(lambda rng: arguments(rng, 4, 2, seeing=3), options={"peepholes": "all"}),
    gru_step: Case(lambda rng: arguments(rng, 3, 1)),
    mgu_step: Case(lambda rng: arguments(rng, 2, 1)),
    child_sum_lstm_step: Case(
        lambda rng: (
            weights_of(rng, 4),
            *rng.normal(size=(2, 3, BATCH, UNITS)),
            rng.normal(size=(BATCH, 4 * UNITS)),
        )
    ),
}


def sigma(x):
    return 1 / (1 + np.exp(-x))


def equations(weights, projected, hidden, names):
    """By gate what x, h and b give it: each product with its own matrix."""
    recurrent = dict(zip(names, np.split(weights.recurrent, len(names), axis=1), strict=True))
    given = dict(zip(names, np.split(projected, len(names), axis=1), strict=True))
    return {name: given[name] + hidden @ recurrent[name] for name in names}, given, recurrent


def run(step, arguments, **options):
    """The step's state, in double precision and compiled."""
    given = jax.tree.map(jnp.asarray, arguments)
    state, output = jax.jit(lambda *each: step(*each, **options))(*given)
    np.testing.assert_array_equal(output, state[0])
    return state


@pytest.mark.parametrize(
    ("activation", "written"),
    [("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0)), ("logistic", sigma)],
)
def test_elmans_is_its_equation(float64, activation, written):
    weights, (hidden,), projected = given = arguments(np.random.default_rng(0), 1, 1)
    expected = written(projected + hidden @ weights.recurrent)
    np.testing.assert_allclose(run(elman_step, given, activation=activation)[0], expected, rtol=1e-12)


def test_the_first_lstm_only_adds(float64):
    """Lecture 000, "LSTM networks: first version"; Lecture 001."""
    weights, (hidden, memory), projected = given = arguments(np.random.default_rng(1), 3, 2)
    z, *_ = equations(weights, projected, hidden, "ico")
    expected = memory + sigma(z["i"]) * np.tanh(z["c"])
    found = run(lstm_step, given, forget_gate=False)
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0], sigma(z["o"]) * np.tanh(expected), rtol=1e-12)


def test_the_lstm_with_a_forget_gate_is_its_equations(float64):
    weights, (hidden, memory), projected = given = arguments(np.random.default_rng(2), 4, 2)
    z, *_ = equations(weights, projected, hidden, "ifco")
    expected = sigma(z["f"]) * memory + sigma(z["i"]) * np.tanh(z["c"])
    found = run(lstm_step, given)
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0], sigma(z["o"]) * np.tanh(expected), rtol=1e-12)


def test_all_three_gates_of_lecture_000_see_the_old_memory(float64):
    weights, (hidden, memory), projected = given = arguments(np.random.default_rng(3), 4, 2, seeing=3)
    z, *_ = equations(weights, projected, hidden, "ifco")
    seen = dict(zip("ifo", np.split(weights.peephole, 3, axis=1), strict=True))
    i, f, o = (sigma(z[gate] + memory @ seen[gate]) for gate in "ifo")
    expected = f * memory + i * np.tanh(z["c"])
    found = run(lstm_step, given, peepholes="all")
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0], o * np.tanh(expected), rtol=1e-12)


@pytest.mark.parametrize("decays", [True, False])
def test_the_output_gate_of_lecture_001_does_not(float64, decays):
    """Its slide computes f, and keeps the sum C_t = C_{t−1} + i ⊙ C̃: f is nowhere read, and our variant has none."""
    weights, (hidden, memory), projected = arguments(np.random.default_rng(4), 4, 2, seeing=2)
    z, *_ = equations(weights, projected, hidden, "ifco")
    seen = dict(zip("if", np.split(weights.peephole, 2, axis=1), strict=True))
    i, f = (sigma(z[gate] + memory @ seen[gate]) for gate in "if")
    expected = (f if decays else 1.0) * memory + i * np.tanh(z["c"])
    if not decays:
        keep = np.r_[0:UNITS, 2 * UNITS : 4 * UNITS]
        weights = RecurrentWeights(
            weights.inputs[:, keep], weights.recurrent[:, keep], weights.bias[keep], weights.peephole[:, :UNITS]
        )
        projected = projected[:, keep]
    options = {"peepholes": "input_and_forget", "forget_gate": decays}
    found = run(lstm_step, (weights, (hidden, memory), projected), **options)
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0], sigma(z["o"]) * np.tanh(expected), rtol=1e-12)


@pytest.mark.parametrize("update", ["keeps", "replaces"])
@pytest.mark.parametrize("reset", ["before", "after"])
def test_the_gru_is_its_equations_with_each_convention(float64, update, reset):
    weights, (hidden,), projected = given = arguments(np.random.default_rng(5), 3, 1, candidate_bias=True)
    z, alone, recurrent = equations(weights, projected, hidden, "rzh")
    r, gate = sigma(z["r"]), sigma(z["z"])
    if reset == "before":
        candidate = np.tanh(alone["h"] + (r * hidden) @ recurrent["h"])
    else:
        candidate = np.tanh(alone["h"] + r * (hidden @ recurrent["h"] + weights.candidate_bias))
    pair = (hidden, candidate) if update == "keeps" else (candidate, hidden)
    expected = gate * pair[0] + (1 - gate) * pair[1]
    np.testing.assert_allclose(run(gru_step, given, update=update, reset=reset)[0], expected, rtol=1e-12)


def test_the_minimal_gated_unit_is_its_equations(float64):
    weights, (hidden,), projected = given = arguments(np.random.default_rng(6), 2, 1)
    z, alone, recurrent = equations(weights, projected, hidden, "fh")
    f = sigma(z["f"])
    candidate = np.tanh(alone["h"] + (f * hidden) @ recurrent["h"])
    np.testing.assert_allclose(run(mgu_step, given)[0], (1 - f) * hidden + f * candidate, rtol=1e-12)


def test_each_child_is_forgotten_by_its_own_gate(float64):
    """Tai et al. 2015, equations 2 to 8."""
    rng = np.random.default_rng(7)
    weights, hidden, memory = weights_of(rng, 4), *rng.normal(size=(2, 3, BATCH, UNITS))
    projected = rng.normal(size=(BATCH, 4 * UNITS))
    z, alone, recurrent = equations(weights, projected, hidden[0] + hidden[1] + hidden[2], "ifco")
    kept = sum(sigma(alone["f"] + h @ recurrent["f"]) * c for h, c in zip(hidden, memory, strict=True))
    expected = kept + sigma(z["i"]) * np.tanh(z["c"])
    found = run(child_sum_lstm_step, (weights, hidden, memory, projected))
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0], sigma(z["o"]) * np.tanh(expected), rtol=1e-12)


def joined(params, names, side):
    return jnp.concatenate([params[side + name]["kernel"] for name in names], axis=1)


def of_flax(kind, step, names, biases, **options):
    """Our step and Flax's from one state, with Flax's parameters."""
    cell, x = kind(UNITS), jax.random.normal(jax.random.key(0), (BATCH, FEATURES))
    state = jax.random.normal(jax.random.key(1), (2, BATCH, UNITS))
    carry = (state[1], state[0]) if step is lstm_step else state[0]
    params = cell.init(jax.random.key(2), carry, x)["params"]
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)  # biases begin at 0
    weights = RecurrentWeights(
        joined(params, names, "i"),
        joined(params, names, "h"),
        jnp.concatenate([params[name]["bias"] for name in biases]),
        candidate_bias=params.get("hn", {}).get("bias"),
    )
    ours, _ = step(
        weights, tuple(state) if step is lstm_step else (state[0],), x @ weights.inputs + weights.bias, **options
    )
    theirs, _ = cell.apply({"params": params}, carry, x)
    return ours, (theirs[1], theirs[0]) if step is lstm_step else (theirs,)


@pytest.mark.parametrize(
    ("kind", "step", "names", "biases", "options"),
    [
        (nn.LSTMCell, lstm_step, "ifgo", ("hi", "hf", "hg", "ho"), {}),
        (nn.GRUCell, gru_step, "rzn", ("ir", "iz", "in"), {"reset": "after"}),
        (nn.MGUCell, mgu_step, "fn", ("if", "in"), {"update": "keeps", "reset": "after"}),
    ],
)
def test_they_are_flaxs(kind, step, names, biases, options):
    ours, theirs = of_flax(kind, step, names, biases, **options)
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-6)


def test_blocks_that_do_not_fit_are_refused():
    weights, state, projected = jax.tree.map(jnp.asarray, arguments(np.random.default_rng(0), 3, 1))
    with pytest.raises(ValueError, match=r"\(2, 3\) needs 4 blocks of its width, got \(2, 9\)"):
        lstm_step(weights, (*state, *state), projected)
    weights, state, projected = jax.tree.map(jnp.asarray, arguments(np.random.default_rng(0), 4, 2))
    with pytest.raises(ValueError, match=r"peepholes='all' need weights\.peephole, of 3 blocks"):
        lstm_step(weights, state, projected, peepholes="all")
