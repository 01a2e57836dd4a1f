"""Recurrence against loops: one sequence at a time, one place at a time, unpadded."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from test_recurrent_cells import BATCH, FEATURES, UNITS, weights_of

from models.layers.recurrence import (
    Cell,
    bidirectional,
    project,
    recur,
    reverse,
    reverse_sequences,
    stack,
    without_padding,
)
from models.layers.recurrent_cells import elman_step, gru_step, lstm_step, mgu_step

TIME = 5
CELLS = {
    "elman": (Cell(elman_step), 1, 1),
    "lstm": (Cell(lstm_step), 4, 2),
    "gru": (Cell(partial(gru_step, reset="after")), 3, 1),
    "mgu": (Cell(mgu_step), 2, 1),
}
"""A cell, its blocks, and the vectors of its state."""


def arguments(rng, name="lstm", batch=(BATCH,), features=FEATURES):
    _, blocks, states = CELLS[name]
    weights = weights_of(rng, blocks)._replace(inputs=rng.normal(size=(features, blocks * UNITS)))
    state = tuple(rng.normal(size=(*batch, UNITS)) for _ in range(states))
    return weights, state, rng.normal(size=(TIME, *batch, features))


CASES = {
    recur: Case(lambda rng: (CELLS["lstm"][0], *arguments(rng), rng.integers(0, TIME + 1, BATCH))),
    project: Case(lambda rng: (weights_of(rng, 4), rng.normal(size=(TIME, BATCH, FEATURES)))),
    without_padding: Case(lambda rng: (rng.normal(size=(TIME, BATCH, FEATURES)), rng.integers(0, TIME + 1, BATCH))),
    reverse_sequences: Case(lambda rng: (rng.normal(size=(TIME, BATCH, FEATURES)), rng.integers(0, TIME + 1, BATCH))),
}


def drawn(seed, *given, **more):
    return jax.tree.map(jnp.asarray, arguments(np.random.default_rng(seed), *given, **more))


def by_hand(cell, weights, state, inputs):
    outputs = []
    for now in inputs:
        state, output = cell.step(weights, state, now @ weights.inputs + weights.bias)
        outputs.append(output)
    return state, jnp.stack(outputs)


def assert_close(one, other, tolerance=1e-12):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


@pytest.mark.parametrize("name", CELLS)
def test_it_is_the_unrolled_loop_and_so_is_backpropagation_through_time(float64, name):
    cell, given = CELLS[name][0], drawn(0, name)

    def value_and_gradient(run):
        def total(weights, state, inputs):
            ended, outputs = run(weights, state, inputs)
            return sum(jnp.sum(jnp.sin(leaf)) for leaf in (*ended, outputs)), outputs

        return jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True))(*given)

    assert_close(value_and_gradient(partial(recur, cell)), value_and_gradient(partial(by_hand, cell)))


def test_its_gradient_is_the_quotient_of_differences(float64):
    weights, state, inputs = drawn(1, "gru")
    direction = drawn(2, "gru")[0]

    def total(step):
        moved = jax.tree.map(lambda w, d: w + step * d, weights, direction)
        return jnp.sum(jnp.sin(recur(CELLS["gru"][0], moved, state, inputs)[1]))

    small = 1e-5
    both = jax.jit(lambda: (jax.grad(total)(0.0), (total(small) - total(-small)) / (2 * small)))()
    np.testing.assert_allclose(*both, rtol=1e-7)


LENGTHS = jnp.asarray([3, 0, 5], jnp.int32)
BEYOND = np.arange(TIME)[:, None] >= np.asarray(LENGTHS)


@pytest.mark.parametrize("both_ways", [False, True])
def test_padding_changes_nothing(float64, both_ways):
    """Each sequence of a padded batch has the numbers that it has by itself; of length 0, the state it began with."""
    cell = CELLS["lstm"][0]
    recurrence = partial(recur, cell)
    weights, state, inputs = drawn(3, batch=(3,))
    if both_ways:
        recurrence = bidirectional(recurrence, recurrence)
        weights, state = (weights, drawn(4)[0]), (state, jax.tree.map(jnp.negative, state))
    padded = jnp.where(BEYOND[..., None], 1e6, inputs)
    ended, outputs = jax.jit(recurrence)(weights, state, padded, LENGTHS)
    for number, length in enumerate(LENGTHS.tolist()):
        own = jax.tree.map(lambda leaf, n=number: leaf[n], state)
        alone, expected = own, jnp.zeros((0, outputs.shape[-1]))
        if length:
            alone, expected = recurrence(weights, own, inputs[:length, number])
        assert_close(jax.tree.map(lambda leaf, n=number: leaf[n], ended), alone)
        assert_close(outputs[:length, number], expected)
        np.testing.assert_array_equal(outputs[length:, number], 0)


def test_padding_has_no_gradient(float64):
    """Nor has what is not finite there a part in any other."""
    weights, state, inputs = drawn(5, batch=(3,))

    @jax.jit
    def slopes(weights, inputs):
        return jax.grad(lambda *given: jnp.sum(recur(CELLS["lstm"][0], given[0], state, given[1], LENGTHS)[1]), (0, 1))(
            weights, inputs
        )

    of_weights, slope = slopes(weights, inputs)
    assert_close(slopes(weights, jnp.where(BEYOND[..., None], jnp.nan, inputs)), (of_weights, slope))
    np.testing.assert_array_equal(np.asarray(slope)[BEYOND], 0)
    assert np.all(np.abs(np.asarray(slope)[~BEYOND]).sum(axis=-1) > 0)


def test_reversed_twice_is_not_reversed(float64):
    given = drawn(6, batch=(3,))
    recurrence = partial(recur, CELLS["lstm"][0])
    assert_close(reverse(reverse(recurrence))(*given, LENGTHS), recurrence(*given, LENGTHS))
    sequences = jnp.arange(15).reshape(TIME, 3, 1)
    np.testing.assert_array_equal(reverse_sequences(sequences, LENGTHS)[:, 0, 0], [6, 3, 0, 9, 12])
    np.testing.assert_array_equal(reverse_sequences(sequences)[:, 0, 0], [12, 9, 6, 3, 0])


def test_a_palindrome_of_both_ways_reads_the_same_from_either_side(float64):
    weights, state, inputs = drawn(7)
    recurrence = partial(recur, CELLS["lstm"][0])
    both = bidirectional(recurrence, recurrence)
    _, outputs = both((weights, weights), (state, state), inputs + inputs[::-1])
    np.testing.assert_allclose(outputs[..., :UNITS], outputs[::-1, ..., UNITS:], rtol=1e-12)


def test_a_stack_is_one_layer_after_the_other(float64):
    weights, state, inputs = drawn(8, "gru")
    above, its_state, _ = drawn(9, "elman", features=UNITS)
    first, second = partial(recur, CELLS["gru"][0]), partial(recur, CELLS["elman"][0])
    ended, outputs = stack(first, second)((weights, above), (state, its_state), inputs)
    middle, hidden = by_hand(CELLS["gru"][0], weights, state, inputs)
    assert_close((ended, outputs), ((middle, *(x := by_hand(CELLS["elman"][0], above, its_state, hidden))[:1]), x[1]))


def test_the_state_handed_on_cuts_a_sequence_in_two(float64):
    weights, state, inputs = drawn(10)
    recurrence = partial(recur, CELLS["lstm"][0])
    middle, first = recurrence(weights, state, inputs[:2])
    ended, second = recurrence(weights, middle, inputs[2:])
    assert_close((ended, jnp.concatenate([first, second])), recurrence(weights, state, inputs))
