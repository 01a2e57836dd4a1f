"""Gated means against message passing along the listed edges, and against renamed nodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.gated_graph import gated_neighbour_mean
from models.layers.graph import message_passing

NODES, WIDTH = 5, 3
RNG = np.random.default_rng(0)
VALUES, EDGES = RNG.normal(size=(NODES, WIDTH)), RNG.normal(size=(NODES, NODES, WIDTH))
JOINED = np.zeros((NODES, NODES), bool)
for one, other in ((0, 1), (1, 2), (0, 2), (2, 3)):  # the last has no neighbour
    JOINED[one, other] = JOINED[other, one] = True

CASES = {
    gated_neighbour_mean: Case(
        lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=(4, 4, 3)), rng.random((4, 4)) < 0.7)
    )
}


def passed(values, edges, joined):
    return np.asarray(gated_neighbour_mean(*map(jnp.asarray, (values, edges, joined))))


def test_it_is_message_passing_with_a_weight_for_each_unit():
    receivers, senders = map(jnp.asarray, np.nonzero(JOINED))
    gates = jax.nn.sigmoid(jnp.asarray(EDGES)[receivers, senders])
    ones, values = jnp.ones((NODES, WIDTH)), jnp.asarray(VALUES)
    total, weights = (
        np.asarray(message_passing(each, senders, receivers, gates, nodes=NODES)) for each in (values, ones)
    )
    np.testing.assert_allclose(passed(VALUES, EDGES, JOINED), total / (weights + 1e-6), rtol=1e-12, atol=1e-12)


def test_equal_gates_give_the_mean_of_the_neighbours():
    expected = JOINED @ VALUES / np.maximum(JOINED.sum(axis=1), 1)[:, None]
    np.testing.assert_allclose(passed(VALUES, np.zeros_like(EDGES), JOINED), expected, rtol=3e-6)


@pytest.mark.parametrize("seed", range(3))
def test_renamed_nodes_hear_the_same(seed):
    order = np.random.default_rng(seed).permutation(NODES)
    pairs = np.ix_(order, order)
    renamed = passed(VALUES[order], EDGES[pairs], JOINED[pairs])
    np.testing.assert_allclose(renamed, passed(VALUES, EDGES, JOINED)[order], rtol=1e-5, atol=1e-6)
