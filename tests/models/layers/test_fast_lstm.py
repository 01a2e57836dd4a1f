"""The LSTM by hand against the generic recurrence of its cell: numbers and gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from test_recurrence import CELLS, arguments, assert_close, drawn
from test_recurrent_cells import BATCH, weights_of

from models.layers.fast_lstm import lstm_recur
from models.layers.recurrence import recur

CASES = {lstm_recur: Case(lambda rng: (*arguments(rng), rng.integers(0, 6, BATCH)))}
GENERIC = partial(recur, CELLS["lstm"][0])


def with_gradients(recurrence, weights, state, inputs, lengths=None):
    """A value in which the outputs and both parts of the last state are, and its gradients in all that is given."""

    def total(weights, state, inputs):
        (hidden, memory), outputs = recurrence(weights, state, inputs, lengths)
        place = jnp.arange(1.0, 1 + len(outputs)).reshape(-1, *[1] * (outputs.ndim - 1))
        return jnp.sum(jnp.sin(place * outputs)) + jnp.sum(hidden**3) + jnp.sum(jnp.cos(memory)), outputs

    return jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True)(weights, state, inputs)


@pytest.mark.parametrize("lengths", [None, (3, 0, 5)], ids=["whole", "padded"])
def test_it_is_the_generic_recurrence_and_its_gradient(float64, lengths):
    given = drawn(0, batch=(3,))
    lengths = None if lengths is None else jnp.asarray(lengths)
    ours, oracle = jax.jit(lambda: [with_gradients(each, *given, lengths) for each in (lstm_recur, GENERIC)])()
    assert_close(ours, oracle)


def test_so_it_is_for_one_sequence_for_a_batch_of_batches_and_mapped_over_seeds(float64):
    one, nested = drawn(1, batch=()), drawn(2, batch=(2, 3))
    seeds = jax.tree.map(lambda *leaves: jnp.stack(leaves), drawn(3), drawn(4))

    @jax.jit
    def all_ways():
        return [
            [with_gradients(each, *one), with_gradients(each, *nested), jax.vmap(partial(with_gradients, each))(*seeds)]
            for each in (lstm_recur, GENERIC)
        ]

    assert_close(*all_ways())


@pytest.mark.parametrize("lengths", [None, (0, 0, 0)], ids=["whole", "padded"])
def test_nothing_read_leaves_the_state_in_which_it_began(lengths):
    weights, state, inputs = drawn(6, batch=(3,))
    lengths = None if lengths is None else jnp.asarray(lengths)
    ours, oracle = (recurrence(weights, state, inputs[:0], lengths) for recurrence in (lstm_recur, GENERIC))
    assert_close(ours, oracle)
    assert ours[1].shape == oracle[1].shape


def test_other_cells_are_refused():
    _, state, inputs = drawn(5)
    for wrong in (weights_of(np.random.default_rng(0), 3), weights_of(np.random.default_rng(0), 4, seeing=3)):
        with pytest.raises(ValueError, match=r"an LSTM with forget gate, without peepholes; U is \(3, (9|12)\)"):
            lstm_recur(jax.tree.map(jnp.asarray, wrong), state, inputs)
