"""Messages against the dense matrix of the graph, in float64."""

import jax
import jax.numpy as jnp
import networkx
import numpy as np
import pytest
from cases import Case
from scipy.special import softmax

from models.layers.graph import message_passing, segment_softmax, symmetric_normalization, with_self_loops

NODES = 7  # the last has no edge
RNG = np.random.default_rng(0)
UNDIRECTED = np.array([(0, 1), (0, 2), (1, 2), (2, 3), (4, 5)])
SENDERS, RECEIVERS = np.concatenate([UNDIRECTED, UNDIRECTED[:, ::-1]]).T
WEIGHTS = RNG.uniform(0.5, 2, len(SENDERS))
VALUES = RNG.normal(size=(NODES, 3))


def edges_of(rng, *weights):
    return rng.integers(0, 4, 6), rng.integers(0, 4, 6), *weights


CASES = {
    message_passing: Case(lambda rng: (rng.normal(size=(4, 3)), *edges_of(rng, rng.normal(size=6))), {"nodes": 5}),
    segment_softmax: Case(lambda rng: (rng.normal(size=6) ** 2, np.array([0, 0, 1, 3, 3, 3])), {"nodes": 4}),
    with_self_loops: Case(lambda rng: edges_of(rng, rng.normal(size=6)), {"nodes": 4}),
    symmetric_normalization: Case(lambda rng: edges_of(rng, rng.uniform(0.5, 2, 6)), {"nodes": 4}),
}


def dense(weights=WEIGHTS):
    """A[i, j] is the weight of the edge from j to i, 0 without one."""
    matrix = np.zeros((NODES, NODES))
    matrix[RECEIVERS, SENDERS] = weights
    return matrix


def passed(aggregation, values=VALUES, weights=WEIGHTS, senders=SENDERS, receivers=RECEIVERS):
    given = map(jnp.asarray, (values, senders, receivers, weights))
    return np.asarray(message_passing(*given, nodes=NODES, aggregation=aggregation))


def by_matrix(aggregation):
    matrix, joined = dense(), dense() > 0
    messages = matrix[:, :, None] * VALUES[None]
    match aggregation:
        case "sum":
            return matrix @ VALUES
        case "mean":
            return matrix @ VALUES / np.maximum(joined.sum(axis=1), 1)[:, None]
        case "max":
            return np.where(joined.any(axis=1)[:, None], np.where(joined[:, :, None], messages, -np.inf).max(axis=1), 0)
        case "attention":
            scores = np.where(joined, matrix, -np.inf)
            scores[~joined.any(axis=1)] = 0
            return np.where(joined.any(axis=1)[:, None], softmax(scores, axis=1) @ VALUES, 0)


AGGREGATIONS = pytest.mark.parametrize("aggregation", ["sum", "mean", "max", "attention"])


@AGGREGATIONS
def test_it_is_the_dense_form(aggregation, float64):
    np.testing.assert_allclose(passed(aggregation), by_matrix(aggregation), rtol=1e-12, atol=1e-15)


@AGGREGATIONS
def test_renamed_nodes_receive_the_same_whatever_the_order_of_edges(aggregation, float64):
    names, order = RNG.permutation(NODES), RNG.permutation(len(SENDERS))
    renamed = np.empty_like(VALUES)
    renamed[names] = VALUES
    found = passed(aggregation, renamed, WEIGHTS[order], names[SENDERS][order], names[RECEIVERS][order])
    np.testing.assert_allclose(found[names], passed(aggregation), rtol=1e-12, atol=1e-15)


@AGGREGATIONS
def test_a_node_without_an_edge_receives_nothing_and_gradients_are_finite(aggregation):
    values, weights = jnp.asarray(VALUES, jnp.float32), jnp.asarray(WEIGHTS, jnp.float32)
    senders, receivers = jnp.asarray(SENDERS), jnp.asarray(RECEIVERS)

    @jax.jit
    @jax.grad
    def gradient(given):
        messages = message_passing(given[0], senders, receivers, given[1], nodes=NODES, aggregation=aggregation)
        return jnp.sum(messages**2)

    assert (passed(aggregation)[-1] == 0).all()
    assert all(np.isfinite(leaf).all() for leaf in gradient((values, weights)))


def test_heads_pass_by_themselves(float64):
    values, scores = RNG.normal(size=(NODES, 2, 3)), RNG.normal(size=(len(SENDERS), 2))
    together = passed("attention", values, scores)
    for head in range(2):
        np.testing.assert_allclose(together[:, head], passed("attention", values[:, head], scores[:, head]), rtol=1e-12)


def test_the_softmax_overflows_nowhere():
    scores = jnp.asarray([1000.0, 1000.0, -1000.0, 0.0])
    found = segment_softmax(scores, jnp.asarray([0, 0, 0, 2]), nodes=4)
    np.testing.assert_allclose(found, [0.5, 0.5, 0, 1])


def test_the_normalised_matrix_is_networkx_laplacian_and_its_largest_eigenvalue_is_1(float64):
    looped = np.eye(NODES) + (dense() > 0)
    expected = np.eye(NODES) - networkx.normalized_laplacian_matrix(networkx.from_numpy_array(looped)).toarray()
    given = jnp.asarray(SENDERS), jnp.asarray(RECEIVERS), jnp.ones(len(SENDERS))
    normalised = symmetric_normalization(*given, nodes=NODES)
    matrix = np.zeros((NODES, NODES))
    np.add.at(matrix, (np.asarray(normalised.receivers), np.asarray(normalised.senders)), normalised.weights)
    np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(np.linalg.eigvalsh(matrix)[-1], 1, rtol=1e-12)
    assert matrix[-1, -1] == 1


def test_a_loop_is_added_at_each_node():
    given = jnp.asarray([1, 1]), jnp.asarray([0, 1]), jnp.asarray([0.5, 1.0])
    looped = with_self_loops(*given, nodes=2)
    np.testing.assert_array_equal(jnp.stack(looped[:2]), [[1, 1, 0, 1], [0, 1, 0, 1]])
    np.testing.assert_array_equal(looped.weights, [0.5, 1, 1, 1])
