"""Graphs from files, from networkx and generated: what is read, what is put right, and what is refused in one line."""

from pathlib import Path

import networkx
import numpy as np
import pytest

from experiments.datasets import DataError
from experiments.datasets.graphs.blocks import block_graph
from experiments.datasets.graphs.karate import read_karate_club
from experiments.datasets.graphs.load import load_graph
from experiments.datasets.graphs.raw import graph_dataset

SOUND = {
    "feature_index": np.array([[0, 0, 1, 2, 3, 4], [0, 1, 1, 2, 0, 2]]),
    "feature_value": np.array([1.0, 3.0, 1.0, 2.0, 1.0, 1.0]),
    "shape": np.array([5, 3]),
    "labels": np.array([0, 1, 0, 1, 0]),
    "edges": np.array([[1, 0], [1, 2], [2, 3], [3, 4]]),
    "train": np.array([0, 1]),
    "valid": np.array([2]),
    "test": np.array([3, 4]),
}


def save(path: Path, **changed) -> Path:
    arrays = SOUND | {key: np.asarray(value) for key, value in changed.items()}
    np.savez(path / "mine.npz", **{key: value for key, value in arrays.items() if value.ndim or value != 0})
    return path / "mine.npz"


def adjacency(graph) -> np.ndarray:
    matrix = np.zeros((len(graph.degrees),) * 2, int)
    np.add.at(matrix, (graph.receivers, graph.senders), 1)
    return matrix


def test_a_file_is_read_as_documented(tmp_path):
    dataset = load_graph(save(tmp_path))
    graph = dataset.context
    expected = np.zeros((5, 5), int)
    for one, other in SOUND["edges"]:
        expected[one, other] = expected[other, one] = 1
    np.testing.assert_array_equal(adjacency(graph), expected)
    np.testing.assert_array_equal(graph.degrees, expected.sum(axis=0))
    np.testing.assert_array_equal(graph.occurrences, [2, 2, 2])
    np.testing.assert_allclose(graph.value, [0.25, 0.75, 1, 1, 1, 1])
    assert (np.diff(graph.receivers) >= 0).all()
    assert dataset.remarks == ()
    assert dataset.classes == 2
    np.testing.assert_array_equal(dataset.splits["test"]["label"], [1, 0])
    assert dataset.protocol == "mine 2/1/2 of 5 nodes, 4 edges, features of a node sum to 1"
    as_they_are = load_graph(save(tmp_path), row_normalized=False)
    np.testing.assert_allclose(as_they_are.context.value, [1, 3, 1, 2, 1, 1])
    assert as_they_are.fingerprint != dataset.fingerprint


def test_what_is_put_right_is_said(tmp_path):
    edges = [[0, 1], [1, 0], [0, 1], [2, 2], [2, 3]]
    dataset = load_graph(save(tmp_path, edges=edges, feature_index=[[0], [0]], feature_value=[1.0]))
    expected = np.zeros((5, 5), int)
    expected[[0, 1, 2, 3], [1, 0, 3, 2]] = 1
    np.testing.assert_array_equal(adjacency(dataset.context), expected)
    assert dataset.remarks == (
        "1 loop left out, as networks that want one add it",
        "2 edges listed again, in the same or the other direction, and counted once",
        "1 node without a neighbour",
        "4 nodes without any feature",
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"edges": [[0, 5]]}, r"edges: node 5 is none of 0 to 4, as are 1 in all"),
        ({"edges": [[0, -1]]}, "node -1 is none of"),
        ({"edges": [[0.0, 1.0]]}, "edges are of type float64"),
        ({"edges": [[0, 1, 2]]}, r"edges have the shape \(1, 3\)"),
        ({"train": [0, 5]}, "train: node 5 is none of"),
        ({"train": [0, 0]}, "node 0 stands more than once in train"),
        ({"train": [0, 3]}, "node 3 stands more than once in train and test"),
        ({"valid": [3]}, "node 3 stands more than once in valid and test"),
        ({"valid": np.zeros(0, int)}, "valid has the shape"),
        ({"labels": [0, 1]}, r"labels have the shape \(2,\): expected \[5\], one for each of 5 nodes"),
        ({"labels": [[0], [1], [0], [1], [0]]}, r"labels have the shape \(5, 1\)"),
        ({"labels": [0, -1, 0, 1, 0]}, "label -1 in split train"),
        ({"feature_index": [[0, 0], [1, 1]], "feature_value": [1.0, 1.0]}, "an entry stands twice"),
        ({"feature_index": [[0], [3]], "feature_value": [1.0]}, "feature 3 is none of 0 to 2"),
        ({"feature_index": [[0], [1]], "feature_value": [np.nan]}, "finite numbers"),
        ({"feature_index": [[0], [1]], "feature_value": [1.0, 2.0]}, "features have indices of shape"),
        ({"shape": [5]}, r"shape is \[5\]"),
        ({"edges": 0}, "edges missing"),
        ({"labels": np.array([0, 1, 0, 1, {}], object)}, "no objects"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, changed, words):
    with pytest.raises(DataError, match=words) as refused:
        load_graph(save(tmp_path, **changed))
    assert "\n" not in str(refused.value)


def test_the_karate_club_is_networkx_without_weights():
    dataset = graph_dataset(read_karate_club())
    expected = networkx.to_numpy_array(networkx.karate_club_graph(), weight=None)
    np.testing.assert_array_equal(adjacency(dataset.context), expected)
    assert len(dataset.context.senders) == 2 * 78
    np.testing.assert_array_equal(dataset.splits["train"]["node"], [0, 33])
    labels = np.concatenate([dataset.splits[split]["label"] for split in ("train", "test")])
    assert np.bincount(labels).tolist() == [17, 17]
    assert dataset.class_names == ("Mr. Hi", "Officer")


def test_the_generated_graph_is_the_same_every_time_and_cites_its_own():
    raw = block_graph()
    one, other = graph_dataset(raw), load_graph(None)
    assert one.fingerprint == other.fingerprint
    assert {split: len(nodes) for split, nodes in raw.splits.items()} == {"train": 100, "valid": 150, "test": 300}
    assert np.bincount(raw.labels[raw.splits["train"]]).tolist() == [20] * 5
    own = np.mean(raw.labels[raw.edges[:, 0]] == raw.labels[raw.edges[:, 1]])
    assert 0.65 < own < 0.78  # 119 · 0.02 of (119 · 0.02 + 480 · 0.002)


def write_citations(folder: Path, *, classes=("Theory", "AI"), papers=760) -> np.ndarray:
    words = np.random.default_rng(0).integers(0, 2, (papers, 4))
    lines = [f"p{i}\t{' '.join(map(str, row))}\t{classes[i % len(classes)]}" for i, row in enumerate(words)]
    (folder / "small.content").write_text("\n".join(lines) + "\n")
    cited = [f"p{i} p{i + 1}" for i in range(papers - 1)]
    (folder / "small.cites").write_text("\n".join([*cited, "p1 p0", "p5 p5", "p3 elsewhere"]) + "\n")
    return words


def test_citations_are_read_from_text(tmp_path, monkeypatch):
    words = write_citations(tmp_path, papers=1600)
    dataset = load_graph(tmp_path, row_normalized=False)
    graph = dataset.context
    found = np.zeros_like(words)
    found[graph.node, graph.feature] = graph.value
    np.testing.assert_array_equal(found, words)
    matrix = adjacency(graph)
    np.testing.assert_array_equal(matrix, np.eye(1600, k=1, dtype=int) + np.eye(1600, k=-1, dtype=int))
    assert dataset.class_names == ("AI", "Theory")
    train = dataset.splits["train"]
    np.testing.assert_array_equal(train["label"], 1 - train["node"] % 2)  # even numbers are Theory, the second by name
    assert {split: len(each["node"]) for split, each in dataset.splits.items()} == {
        "train": 40, "valid": 500, "test": 1000,
    }  # fmt: skip
    assert dataset.remarks[:3] == (
        "1 citation left out that name papers without words",
        "1 loop left out, as networks that want one add it",
        "1 edge listed again, in the same or the other direction, and counted once",
    )


def test_citations_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"one NAME\.content"):
        load_graph(tmp_path)
    write_citations(tmp_path)
    with pytest.raises(DataError, match="too few for a split"):
        load_graph(tmp_path)
    (tmp_path / "small.cites").write_text("p1 p2 p3\n")
    with pytest.raises(DataError, match="two names a line"):
        load_graph(tmp_path)
    (tmp_path / "small.content").write_text("p1 0 1 A\np2 0 A\n")
    with pytest.raises(DataError, match="equally many numbers"):
        load_graph(tmp_path)
    (tmp_path / "small.content").write_text("p1 0 x A\n")
    with pytest.raises(DataError, match="expected numbers between"):
        load_graph(tmp_path)


def test_pickled_files_are_refused_with_the_reason(tmp_path):
    (tmp_path / "ind.cora.graph").write_bytes(b"\x80\x02}.")
    with pytest.raises(DataError, match=r"ind\.cora\.graph is pickled, and nothing is unpickled here"):
        load_graph(tmp_path)
    with pytest.raises(DataError, match=r"expected an \.npz file of a graph"):
        load_graph(tmp_path / "ind.cora.graph")
