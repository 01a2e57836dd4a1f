"""Networks of graphs against their formulas on dense matrices, renamed nodes, and masks written out; in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from experiments.datasets.graphs.karate import read_karate_club
from experiments.datasets.graphs.raw import as_graph
from models.dropout import with_dropout_of_whole
from models.graph_net import APPNP, GAT, GCN, SGC, EmbeddedGCN, NodeMLP
from models.layers.dropout import dropout

RNG = np.random.default_rng(0)
NODES, FEATURES = 34, 6
DENSE = RNG.uniform(size=(NODES, FEATURES)) * (RNG.uniform(size=(NODES, FEATURES)) < 0.4)


def graph_of(features, edges):
    raw = read_karate_club()._replace(entries=np.stack(np.nonzero(features)), features=FEATURES)
    made = as_graph(raw, edges, features[features != 0])
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float if leaf.dtype == np.float32 else None), made)


def adjacency():
    matrix = np.zeros((NODES, NODES))
    for one, other in read_karate_club().edges:
        matrix[one, other] = matrix[other, one] = 1
    return matrix


def normalised():
    looped = adjacency() + np.eye(NODES)
    return looped / np.sqrt(np.outer(looped.sum(axis=0), looped.sum(axis=0)))


def relu(values):
    return np.maximum(values, 0)


def exact(values):
    """What float32 holds of the features."""
    return values.astype(np.float32).astype(float)


def gcn(p):
    return normalised() @ relu(normalised() @ exact(DENSE) @ p["layer_0"]["kernel"]) @ p["layer_1"]["kernel"]


def perceptron(p):
    return relu(exact(DENSE) @ p["layer_0"]["kernel"]) @ p["layer_1"]["kernel"]


def sgc(p):
    return normalised() @ normalised() @ exact(DENSE) @ p["layer_0"]["kernel"] + p["bias"]


def appnp(p):
    own = passed = perceptron(p["perceptron"])
    for _ in range(3):
        passed = 0.8 * normalised() @ passed + 0.2 * own
    return passed


def gat(p):
    hidden, joined = exact(DENSE), (adjacency() + np.eye(NODES)) > 0
    for number, heads in enumerate((2, 3)):
        kernel = p[f"layer_{number}"]["kernel"]
        outputs = []
        for head, part in enumerate(np.split(hidden @ kernel, heads, axis=1)):
            ends = [part @ p[f"attention_{number}_{end}"][head] for end in ("receiver", "sender")]
            scores = ends[0][:, None] + ends[1][None, :]
            scores = np.where(scores > 0, scores, 0.2 * scores)
            outputs.append(softmax(np.where(joined, scores, -np.inf), axis=1) @ part)
        if number == 0:
            moved = np.concatenate(outputs, axis=1) + p["bias_0"]
            hidden = np.where(moved > 0, moved, np.expm1(moved))
    return np.mean(outputs, axis=0) + p["bias_1"]


def embedded(p):
    inner = p["convolutions"]
    first = np.tanh(normalised() @ exact(DENSE) @ inner["layer_0"]["kernel"])
    return np.tanh(normalised() @ first @ inner["layer_1"]["kernel"]) @ p["readout"]["kernel"] + p["readout"]["bias"]


NETWORKS = {
    "gcn": (GCN((4,), 3, dropout=0.5), gcn),
    "gat": (GAT((2, 3), 4, 3, dropout=0.5), gat),
    "sgc": (SGC(3), sgc),
    "mlp": (NodeMLP((4,), 3, dropout=0.5), perceptron),
    "appnp": (APPNP((4,), 3, dropout=0.5, teleport=0.2, steps=3), appnp),
    "embedded": (EmbeddedGCN((4, 2), 3), embedded),
}


def drawn(model, graph):
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == jnp.float64 else leaf, graph)
    params = jax.eval_shape(model.init, jax.random.key(0), single)
    return jax.tree.map(lambda leaf: jnp.asarray(np.random.default_rng(1).normal(size=leaf.shape)), params)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_dense_form_and_renaming_nodes_renames_its_rows(name, float64):
    model, by_matrices = NETWORKS[name]
    edges, names = read_karate_club().edges, np.random.default_rng(2).permutation(NODES)
    graph = graph_of(DENSE, edges)
    params, apply = drawn(model, graph), jax.jit(model.apply)
    found = apply(params, graph)
    np.testing.assert_allclose(found, by_matrices(jax.tree.map(np.asarray, params["params"])), rtol=1e-9, atol=1e-12)
    renamed = np.empty_like(DENSE)
    renamed[names] = DENSE
    np.testing.assert_allclose(apply(params, graph_of(renamed, names[edges]))[names], found, rtol=1e-9, atol=1e-12)


def test_dropout_of_the_whole_is_the_net_with_its_masks_written_out(float64):
    model, _ = NETWORKS["gcn"]
    graph, key = graph_of(DENSE, read_karate_club().edges), jax.random.key(3)
    params = drawn(model, graph)
    values = np.asarray(dropout(jax.random.fold_in(key, 0), graph.value, rate=0.5))
    features = np.zeros_like(DENSE)
    features[graph.node, graph.feature] = values
    first, second = (params["params"][f"layer_{number}"]["kernel"] for number in range(2))
    hidden = jnp.asarray(relu(normalised() @ features @ np.asarray(first)))
    expected = normalised() @ np.asarray(dropout(jax.random.fold_in(key, 1), hidden, rate=0.5)) @ np.asarray(second)
    found = jax.jit(with_dropout_of_whole(model.apply))(key, params, graph)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert 0.3 < np.mean(values == 0) < 0.7


def test_without_rates_the_key_is_not_used(float64):
    model = GCN((4,), 3)
    graph = graph_of(DENSE, read_karate_club().edges)
    params = drawn(model, graph)
    np.testing.assert_array_equal(
        with_dropout_of_whole(model.apply)(jax.random.key(0), params, graph), model.apply(params, graph)
    )
