"""Links that were taken out are not in the graph, and how well they are told is what scikit-learn says."""

import jax
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from trained import measured, trained

from experiments.datasets import DataError
from experiments.datasets.graphs.blocks import block_graph
from experiments.datasets.graphs.links import link_dataset
from experiments.datasets.graphs.load import load_graph
from experiments.datasets.graphs.raw import graph_dataset
from experiments.graphs.link_prediction.experiment import LinkPredictionSettings, mean_codes
from experiments.run.settings import configure


@pytest.mark.parametrize("variational", [False, True])
def test_the_measures_are_scikit_learns(variational):
    run, params = trained("link_prediction", configure(LinkPredictionSettings(), variational=variational, steps=60))
    found = measured(run, params)
    codes = np.asarray(mean_codes(run.settings, run.dataset)(jax.tree.map(lambda leaf: leaf[0], params)), np.float64)
    test = run.dataset.splits["test"]
    scores = np.sum(codes[test["pair"][:, 0]] * codes[test["pair"][:, 1]], axis=1)
    assert found["auc"] > 55 or variational
    np.testing.assert_allclose(found["auc"], 100 * roc_auc_score(test["linked"], scores), rtol=1e-5)
    np.testing.assert_allclose(
        found["average_precision"], 100 * average_precision_score(test["linked"], scores), rtol=1e-5
    )


def test_splits_share_no_pair_and_the_graph_has_none_that_is_asked_for():
    nodes = load_graph(None)
    links = link_dataset(nodes)
    edges = set(zip(nodes.context.senders.tolist(), nodes.context.receivers.tolist(), strict=True))
    kept = set(zip(links.context.senders.tolist(), links.context.receivers.tolist(), strict=True))
    asked = [tuple(pair) for split in ("valid", "test") for pair in links.splits[split]["pair"].tolist()]
    assert len(set(asked)) == len(asked) == 2 * (51 + 103)
    assert not kept & set(asked)
    for split in ("valid", "test"):
        pairs, linked = links.splits[split]["pair"], links.splits[split]["linked"]
        assert [tuple(pair) in edges for pair in pairs.tolist()] == linked.astype(bool).tolist()
        assert linked.mean() == 0.5
    trained_on = {tuple(pair) for pair in links.splits["train"]["pair"].tolist()}
    assert kept == trained_on | {pair[::-1] for pair in trained_on}
    assert links.splits["train"]["linked"].all()
    assert links.context.degrees.sum() == len(kept)
    assert link_dataset(nodes).fingerprint == links.fingerprint != nodes.fingerprint


def test_graphs_that_are_too_small_or_too_full_are_refused():
    few = block_graph()._replace(edges=np.array([[0, 1]]))
    with pytest.raises(DataError, match="expected 20 at least"):
        link_dataset(graph_dataset(few))
    nodes, splits = 30, {"train": np.arange(10), "valid": np.arange(10, 20), "test": np.arange(20, 30)}
    full = few._replace(
        nodes=nodes,
        entries=np.zeros((2, 1), int),
        values=np.ones(1),
        labels=np.arange(nodes) % 2,
        edges=np.stack(np.triu_indices(nodes, 1), axis=1),
        splits=splits,
    )
    with pytest.raises(DataError, match="most of its 30 nodes are joined"):
        link_dataset(graph_dataset(full))
