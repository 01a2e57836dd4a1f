"""A generated citation graph: papers of a few subjects that cite their own and use its words."""

import numpy as np

from experiments.datasets.graphs.raw import RawGraph
from experiments.datasets.graphs.splits import planetoid_split
from experiments.numerals import counted

OWN, OTHER = 0.02, 0.002
"""Probability of an edge within a class and between two."""


def block_graph(
    *, nodes: int = 600, classes: int = 5, words: int = 200, words_of_node: int = 12, valid: int = 150, test: int = 300
) -> RawGraph:
    """A stochastic block model whose nodes have words: a node of class c draws each of its words from the class's own
    share of the dictionary three times in ten, otherwise from all of it.

    Words alone tell the class of some nodes, neighbours that of most. The same graph every time. Holland et al. 1983;
    with features and a split as Yang et al. 2016.
    """
    rng = np.random.Generator(np.random.Philox(0))
    labels = rng.permutation(np.arange(nodes) % classes)
    same = labels[:, None] == labels[None, :]
    joined = np.triu(rng.random((nodes, nodes)) < np.where(same, OWN, OTHER), k=1)
    share = words // classes
    anywhere = rng.integers(0, words, (nodes, words_of_node))
    own = labels[:, None] * share + rng.integers(0, share, (nodes, words_of_node))
    drawn = np.where(rng.random((nodes, words_of_node)) < 0.3, own, anywhere)
    used = np.zeros((nodes, words), bool)
    np.put_along_axis(used, drawn, True, axis=1)
    entries = np.stack(np.nonzero(used))
    splits, note = planetoid_split("blocks", labels, valid=valid, test=test)
    title = f"stochastic block model of {counted(classes, 'class')}"
    edges = np.stack(np.nonzero(joined), axis=1)
    return RawGraph(title, nodes, words, entries, np.ones(entries.shape[1]), edges, labels, splits, notes=(note,))
