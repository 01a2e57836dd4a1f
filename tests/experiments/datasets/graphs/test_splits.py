"""Other splits of a graph: of the same sizes, balanced as the graph's own, disjoint, and the same for the same seed."""

import numpy as np
import pytest

from experiments.datasets import DataError
from experiments.datasets.graphs.blocks import block_graph
from experiments.datasets.graphs.raw import graph_dataset
from experiments.datasets.graphs.splits import drawn_split
from experiments.datasets.settings import GraphData
from experiments.graphs.citation_graph.experiment import CitationGraphSettings
from experiments.run.settings import configure

GRAPH = block_graph()
OF_NODES = "sha256:4a127d4b388b5c13ffc62deaebebd60a88ba819cf9e39262dc6ddd0443e46f31"
OF_LINKS = "sha256:eae8f91afea2fa0cb90ea39f9e8c6058bb9136431cc7b1f0c374ab7d209deacb"


@pytest.mark.parametrize("seed", [1, 2, 2**31 - 1])
def test_a_drawn_split_has_the_sizes_and_the_classes_of_the_graphs_own(seed):
    found = drawn_split(GRAPH.splits, GRAPH.labels, seed=seed)
    assert {split: len(nodes) for split, nodes in found.items()} == {"train": 100, "valid": 150, "test": 300}
    assert np.bincount(GRAPH.labels[found["train"]]).tolist() == [20] * 5
    everything = np.concatenate([*found.values()])
    assert len(np.unique(everything)) == len(everything) == 550
    again = drawn_split(GRAPH.splits, GRAPH.labels, seed=seed)
    assert all(np.array_equal(found[split], again[split]) for split in found)


def test_every_node_falls_into_every_split_as_often_as_chance_says():
    """Of 400 draws each node is in the test half of the time, ± 5 deviations of 0.025; in training a sixth."""
    draws = [drawn_split(GRAPH.splits, GRAPH.labels, seed=seed) for seed in range(1, 401)]
    for split, share in (("train", 1 / 6), ("valid", 1 / 4), ("test", 1 / 2)):
        often = np.bincount(np.concatenate([draw[split] for draw in draws]), minlength=600) / 400
        assert abs(often - share).max() < 5 * (share * (1 - share) / 400) ** 0.5, split


def test_an_unbalanced_split_stays_as_unbalanced_and_unlabelled_nodes_stay_out():
    labels = np.array([0, 1, 1, 1, 0, 0, 1, 1, -1, -1, 0, 1])
    own = {"train": np.array([0, 1, 2]), "valid": np.array([3]), "test": np.array([4, 5])}
    for seed in range(1, 30):
        found = drawn_split(own, labels, seed=seed)
        assert sorted(labels[found["train"]]) == [0, 1, 1]
        assert not {8, 9} & set(np.concatenate([*found.values()]).tolist())


def test_where_validation_is_the_test_it_stays_so():
    own = GRAPH.splits | {"valid": GRAPH.splits["test"][::-1]}
    found = drawn_split(own, GRAPH.labels, seed=3)
    np.testing.assert_array_equal(found["valid"], found["test"])
    assert not np.isin(found["train"], found["test"]).any()


def test_split_zero_is_the_graphs_own_to_the_bit():
    data = GraphData()
    assert (data.load().fingerprint, data.load_links().fingerprint) == (OF_NODES, OF_LINKS)


@pytest.mark.parametrize("load", [GraphData.load, GraphData.load_links])
def test_every_split_has_a_fingerprint_and_a_name_of_its_own(load):
    own, one, other = (load(GraphData(split_seed=seed)) for seed in (0, 1, 2))
    assert len({own.fingerprint, one.fingerprint, other.fingerprint}) == 3
    assert load(GraphData(split_seed=1)).fingerprint == one.fingerprint
    assert "random split 1," in one.protocol
    assert "random split 2," in other.protocol
    assert "fixed permutation" in own.protocol
    assert "fixed permutation" not in one.protocol
    assert own.classes == one.classes
    assert {split: len(each) for split, each in own.splits.items()} == {
        split: len(each) for split, each in one.splits.items()
    }


def test_other_links_are_taken_out_of_the_same_graph():
    nodes, one, other = GraphData().load(), *(GraphData(split_seed=seed).load_links() for seed in (1, 2))
    whole = set(zip(nodes.context.senders.tolist(), nodes.context.receivers.tolist(), strict=True))
    for links in (one, other):
        held_out = [pair for split in ("valid", "test") for pair in edges_of(links, split)]
        kept = set(zip(links.context.senders.tolist(), links.context.receivers.tolist(), strict=True))
        assert kept | {*held_out, *(pair[::-1] for pair in held_out)} == whole
        assert len(kept) + 2 * len(held_out) == len(whole)
    assert set(edges_of(one, "test")) != set(edges_of(other, "test"))
    assert not np.array_equal(one.splits["test"]["pair"][103:], other.splits["test"]["pair"][103:])


def edges_of(links, split):
    return [tuple(pair) for pair in links.splits[split]["pair"][links.splits[split]["linked"] == 1].tolist()]


def test_the_remark_on_classes_that_nothing_is_tested_on_is_of_the_split_that_is_used():
    """Two nodes are held out: their classes are in training too, the others in training alone."""
    few = {split: nodes if split == "train" else nodes[:1] for split, nodes in GRAPH.splits.items()}
    for seed in range(1, 6):
        dataset = graph_dataset(GRAPH._replace(splits=few), split_seed=seed)
        held_out = {int(dataset.splits[split]["label"][0]) for split in ("valid", "test")}
        others = ", ".join(map(str, sorted(set(range(5)) - held_out)))
        assert f"only train has the classes {others}" in dataset.remarks


def test_a_fault_of_the_graphs_own_split_is_refused_whichever_is_asked_for():
    broken = GRAPH._replace(splits=GRAPH.splits | {"valid": np.array([600])})
    with pytest.raises(DataError, match="node 600 is none of"):
        graph_dataset(broken, split_seed=1)


def test_seeds_of_splits_are_numbers_that_fit():
    with pytest.raises(ValueError, match="--split-seed must be at least 0, got -1"):
        configure(CitationGraphSettings(), split_seed=-1)
    with pytest.raises(ValueError, match="--split-seed must be less than 2147483648"):
        configure(CitationGraphSettings(), split_seed=2**31)
