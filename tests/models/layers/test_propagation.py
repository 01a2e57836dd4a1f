"""Propagation against closed forms of the dense matrix, in float64."""

import jax.numpy as jnp
import networkx
import numpy as np
import pytest
from cases import Case

from models.layers.graph import Edges, symmetric_normalization
from models.layers.propagation import label_propagation, personalized_pagerank, propagate

GRAPH = networkx.karate_club_graph()
NODES = len(GRAPH)
UNDIRECTED = np.array(GRAPH.edges)
SENDERS, RECEIVERS = np.concatenate([UNDIRECTED, UNDIRECTED[:, ::-1]]).T
ADJACENCY = networkx.to_numpy_array(GRAPH, weight=None)
VALUES = np.random.default_rng(0).normal(size=(NODES, 3))


def small(rng):
    return rng.normal(size=(4, 3)), Edges(rng.integers(0, 4, 6), rng.integers(0, 4, 6), rng.normal(size=6))


CASES = {
    propagate: Case(small, {"steps": 3}),
    personalized_pagerank: Case(small, {"teleport": 0.2, "steps": 3}),
    label_propagation: Case(
        lambda rng: (rng.normal(size=(4, 2)), np.array([True, False, False, False]), *np.array([[0, 1, 2], [1, 2, 3]])),
        {"steps": 3},
    ),
}


def edges():
    ones = jnp.ones(len(SENDERS))
    return symmetric_normalization(jnp.asarray(SENDERS), jnp.asarray(RECEIVERS), ones, nodes=NODES)


def normalised():
    looped = ADJACENCY + np.eye(NODES)
    return looped / np.sqrt(np.outer(looped.sum(axis=0), looped.sum(axis=1)))


def test_passing_on_is_a_power_of_the_matrix(float64):
    expected = np.linalg.matrix_power(normalised(), 5) @ VALUES
    np.testing.assert_allclose(propagate(jnp.asarray(VALUES), edges(), steps=5), expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("teleport", [0.1, 0.5, 1.0])
def test_pagerank_comes_to_its_closed_form(teleport, float64):
    expected = teleport * np.linalg.solve(np.eye(NODES) - (1 - teleport) * normalised(), VALUES)
    found = personalized_pagerank(jnp.asarray(VALUES), edges(), teleport=teleport, steps=400)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


def test_a_walk_that_never_comes_back_is_refused():
    with pytest.raises(ValueError, match="got 0"):
        personalized_pagerank(jnp.asarray(VALUES), edges(), teleport=0.0, steps=1)


def test_labels_come_to_the_harmonic_function(float64):
    """Zhu et al. 2003, equation 5: f_u = (D_uu − W_uu)⁻¹ W_ul f_l."""
    known = np.zeros(NODES, bool)
    known[[0, 33]] = True
    labels = np.where(known[:, None], np.eye(2)[np.arange(NODES) // 33], 7.0)  # what is not known is not looked at
    laplacian = np.diag(ADJACENCY.sum(axis=1)) - ADJACENCY
    expected = labels.copy()
    expected[~known] = np.linalg.solve(laplacian[~known][:, ~known], ADJACENCY[~known][:, known] @ labels[known])
    given = map(jnp.asarray, (labels, known, SENDERS, RECEIVERS))
    np.testing.assert_allclose(label_propagation(*given, steps=600), expected, rtol=1e-10)


def test_a_node_that_no_label_reaches_stays_at_0(float64):
    given = jnp.eye(3)[:, :2], jnp.asarray([True, False, False]), jnp.asarray([0, 1]), jnp.asarray([1, 0])
    np.testing.assert_array_equal(label_propagation(*given, steps=5), [[1, 0], [1, 0], [0, 0]])
