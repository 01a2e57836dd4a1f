"""Grids and graphs against recurrence on a line, against each other, and node by node."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from test_recurrence import CELLS, assert_close
from test_recurrent_cells import FEATURES, UNITS, weights_of

from models.layers.recurrence import project, recur
from models.layers.recurrent_cells import child_sum_lstm_step, lstm_step
from models.layers.recurrent_topologies import averaged, child_sum_lstm, graph, grid, summed

JOINS = {"averaged": averaged(CELLS["lstm"][0]), "summed": summed(CELLS["lstm"][0]), "child_sum": child_sum_lstm}


def begun(rng):
    return tuple(rng.normal(size=(2, UNITS)))


CASES = {
    grid: Case(lambda rng: (JOINS["averaged"], weights_of(rng, 4), begun(rng), rng.normal(size=(3, 2, FEATURES)))),
    graph: Case(
        lambda rng: (child_sum_lstm, weights_of(rng, 4), begun(rng), rng.normal(size=(4, FEATURES)), TREE),
    ),
    child_sum_lstm: Case(
        lambda rng: (
            weights_of(rng, 4),
            tuple(rng.normal(size=(2, 3, UNITS))),
            np.array([True, False, True]),
            rng.normal(size=4 * UNITS),
        )
    ),
}
TREE = np.array([[-1, -1], [-1, -1], [0, 1], [2, -1]])
"""0 and 1 are the children of 2, and 2 is the only one of 3."""


@pytest.fixture
def drawn(float64):
    rng = np.random.default_rng(0)
    return jax.tree.map(jnp.asarray, (weights_of(rng, 4), begun(rng), rng.normal(size=(6, FEATURES))))


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
def test_on_a_line_grid_and_graph_are_recurrence(drawn, join):
    weights, state, inputs = drawn
    _, expected = recur(CELLS["lstm"][0], weights, state, inputs)
    chain = jnp.arange(-1, 5)[:, None]
    with_gaps = jnp.concatenate([jnp.full((6, 1), -1), chain], axis=1)

    @jax.jit
    def all_ways():
        row, column = grid(join, weights, state, inputs[None]), grid(join, weights, state, inputs[:, None])
        return row[0], column[:, 0], *(graph(join, weights, state, inputs, edges) for edges in (chain, with_gaps))

    for found in all_ways():
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
def test_a_grid_is_the_graph_of_its_neighbours(drawn, join):
    weights, state, inputs = drawn
    number = np.arange(6).reshape(2, 3)
    above = np.concatenate([np.full((1, 3), -1), number[:-1]])
    left = np.concatenate([np.full((2, 1), -1), number[:, :-1]], axis=1)
    neighbours = jnp.asarray(np.stack([above, left], axis=-1).reshape(6, 2))
    found = grid(join, weights, state, inputs.reshape(2, 3, FEATURES))
    assert_close(found.reshape(6, UNITS), graph(join, weights, state, inputs, neighbours))


def test_a_tree_is_computed_from_its_leaves(drawn):
    """By hand: Tai et al. 2015."""
    weights, state, inputs = drawn
    projected = project(weights, inputs)
    leaves = [lstm_step(weights, state, projected[node])[0] for node in (0, 1)]
    pair = (jnp.stack([leaf[part] for leaf in leaves]) for part in (0, 1))
    joined, _ = child_sum_lstm_step(weights, *pair, projected[2])
    (root, _), _ = lstm_step(weights, joined, projected[3])
    found = graph(child_sum_lstm, weights, state, inputs[:4], jnp.asarray(TREE))
    np.testing.assert_allclose(found, jnp.stack([leaves[0][0], leaves[1][0], joined[0], root]), rtol=1e-12)


def test_what_is_above_or_to_the_left_is_seen_and_nothing_else(drawn):
    weights, state, _ = drawn
    inputs = jnp.asarray(np.random.default_rng(1).normal(size=(3, 3, FEATURES)))

    def output_at(inputs, row, column):
        return grid(JOINS["averaged"], weights, state, inputs)[row, column].sum()

    slope = jax.jit(jax.grad(partial(output_at, row=1, column=1)))(inputs)
    seen = np.abs(np.asarray(slope)).sum(axis=-1) > 0
    np.testing.assert_array_equal(seen, [[True, True, False], [True, True, False], [False, False, False]])
