"""What a reader of graphs returns, and the data set that is made of it once all has been checked."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.dataset import SPLITS, Dataset
from experiments.datasets.graphs.splits import drawn_split
from experiments.datasets.graphs.validate import checked_edges, checked_features, checked_splits
from experiments.datasets.hashing import fingerprint
from experiments.datasets.labels import count_classes
from experiments.draws import random_split
from experiments.numerals import counted


class RawGraph(NamedTuple):
    """A graph as it was published."""

    title: str
    """name for the protocol"""
    nodes: int
    """how many"""
    features: int
    """how many each node has"""
    entries: Int[np.ndarray, "2 entries"]
    """node and feature of each entry that is not zero"""
    values: Float[np.ndarray, " entries"]
    """of these entries"""
    edges: Int[np.ndarray, "edges 2"]
    """the nodes that are joined, in either order"""
    labels: Int[np.ndarray, " nodes"]
    """the class of each node"""
    splits: dict[str, Int[np.ndarray, " of_split"]]
    """the nodes of "train", "valid" and "test\""""
    class_names: tuple[str, ...] = ()
    """what the classes are called, where they have names"""
    notes: tuple[str, ...] = ()
    """what the protocol says of the splits"""
    remarks: tuple[str, ...] = ()
    """what a person should know before training"""


def graph_dataset(raw: RawGraph, *, row_normalized: bool = True, split_seed: int = 0) -> Dataset:
    """The data set whose examples are nodes, "node" and "label", and whose context is the graph.

    With ``row_normalized`` the features of each node sum to 1, as GCN, GAT, SGC and APPNP take them. ``split_seed``
    says which split: 0 is the graph's own, any other a ``drawn_split``. Raises DataError where edges, features, labels
    or splits cannot be used; what was put right is among the remarks.
    """
    edges, of_edges = checked_edges(raw.title, raw.edges, raw.nodes)
    values, of_features = checked_features(raw.title, raw.entries, raw.values, (raw.nodes, raw.features))
    numbers = checked_splits(raw.title, raw.splits, raw.nodes, raw.labels)
    classes, of_labels = count_classes(raw.title, _labels_of(raw, numbers))
    notes = raw.notes
    if split_seed:
        numbers = drawn_split(numbers, raw.labels, seed=split_seed)
        _, of_labels = count_classes(raw.title, _labels_of(raw, numbers), classes)
        notes = (f"{random_split(split_seed)}, as many of each class to train on as in the graph's own",)
    splits = {split: {"node": nodes, "label": raw.labels[nodes].astype(np.int32)} for split, nodes in numbers.items()}
    context = as_graph(raw, edges, normalized(raw.entries[0], values, raw.nodes) if row_normalized else values)
    protocol = [
        f"{raw.title} {'/'.join(str(len(numbers[split])) for split in SPLITS)} of {counted(raw.nodes, 'node')}",
        f"{counted(len(edges), 'edge')}",
        *notes,
        "features of a node sum to 1" if row_normalized else "features as they are",
    ]
    return Dataset(
        raw.title,
        ", ".join(protocol),
        fingerprint(splits, context),
        splits,
        classes=classes,
        class_names=raw.class_names,
        context=context,
        remarks=(*raw.remarks, *of_edges, *of_features, *of_labels),
    )


def _labels_of(raw: RawGraph, splits: dict[str, Int[np.ndarray, " of_split"]]) -> dict[str, np.ndarray]:
    return {split: raw.labels[nodes] for split, nodes in splits.items()}


def as_graph(raw: RawGraph, edges: Int[np.ndarray, "edges 2"], values: Float[np.ndarray, " entries"]):
    """The record that networks take, of NumPy arrays, features in the order of nodes; ``edges`` as in `with_edges`."""
    from models.layers.graph import Graph

    node, feature = raw.entries.astype(np.int32)
    order = np.lexsort((feature, node))
    none = np.zeros(0, np.int32)
    bare = Graph(
        node[order],
        feature[order],
        values[order].astype(np.float32),
        none,
        none,
        degrees=np.zeros(raw.nodes, np.int32),
        occurrences=np.bincount(feature, minlength=raw.features).astype(np.int32),
    )
    return with_edges(bare, edges)


def with_edges(graph, edges: Int[np.ndarray, "edges 2"]):
    """The graph with other undirected edges, listed both ways in the order of receivers, and the degrees they give."""
    both = np.concatenate([edges, edges[:, ::-1]]).astype(np.int32)
    senders, receivers = both[np.lexsort((both[:, 0], both[:, 1]))].T.copy()
    degrees = np.bincount(receivers, minlength=len(graph.degrees)).astype(np.int32)
    return graph._replace(senders=senders, receivers=receivers, degrees=degrees)


def normalized(
    node: Int[np.ndarray, " entries"], values: Float[np.ndarray, " entries"], nodes: int
) -> Float[np.ndarray, " entries"]:
    """Values divided by their node's sum; where that is 0 they stay."""
    sums = np.bincount(node, values, minlength=nodes)
    return values / np.where(sums == 0, 1, sums)[node]
