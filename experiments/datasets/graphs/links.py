"""Links of a graph as examples: some of its edges are taken out, and told from pairs that are not joined."""

import numpy as np
from jaxtyping import Int

from experiments.datasets.dataset import SPLITS, DataError, Dataset
from experiments.datasets.graphs.raw import with_edges
from experiments.datasets.hashing import fingerprint
from experiments.draws import random_split
from experiments.numerals import counted

VALID, TEST = 0.05, 0.1
"""Shares of the edges."""


def link_dataset(dataset: Dataset, *, split_seed: int = 0) -> Dataset:
    """The data set of links of a data set of nodes: "pair" [2] and "linked", 1 for an edge and 0 for none.

    By the permutation of ``split_seed`` 10 % of the edges are for the test and 5 % for validation, each with as many
    different pairs that no edge joins; on the others is trained, and they alone are in the graph. Kipf & Welling 2016,
    section 3. DataError where there are too few of either.
    """
    graph = dataset.context
    edges = np.stack([graph.senders, graph.receivers], axis=1)[graph.senders < graph.receivers]
    rng = np.random.Generator(np.random.Philox(split_seed))
    valid, test = int(VALID * len(edges)), int(TEST * len(edges))
    if not valid:
        raise DataError(f"{dataset.name} has {counted(len(edges), 'edge')}: expected 20 at least, of which 5 % are 1")
    order = rng.permutation(edges)
    apart = not_joined(rng, edges, len(graph.degrees), valid + test, dataset.name)
    parts = {"test": order[:test], "valid": order[test : test + valid], "train": order[test + valid :]}
    others = {"test": apart[:test], "valid": apart[test:], "train": apart[:0]}
    splits = {split: _examples(parts[split], others[split]) for split in SPLITS}
    context = with_edges(graph, parts["train"])
    sizes = "/".join(str(len(parts[split])) for split in SPLITS)
    size = f"{counted(len(graph.degrees), 'node')}, {counted(len(edges), 'edge')}"
    drawn = f"in {random_split(split_seed)}" if split_seed else "by a fixed permutation"
    protocol = f"{dataset.name}, {size}, {sizes} of them {drawn}, and as many other pairs"
    return dataset._replace(
        protocol=protocol, splits=splits, context=context, fingerprint=fingerprint(splits, context), classes=0
    )


def not_joined(
    rng: np.random.Generator, edges: Int[np.ndarray, "edges 2"], nodes: int, count: int, where: str
) -> Int[np.ndarray, "count 2"]:
    """Different pairs of different nodes, the smaller first, that no edge joins; all are equally probable."""
    if nodes * (nodes - 1) // 2 - len(edges) < 2 * count:
        raise DataError(
            f"{where}: most of its {counted(nodes, 'node')} are joined, and {count:,} other pairs are needed"
        )
    taken, found = set(map(tuple, edges.tolist())), []
    while len(found) < count:
        pair = tuple(sorted(rng.integers(0, nodes, 2).tolist()))
        if pair[0] != pair[1] and pair not in taken:
            taken.add(pair)
            found.append(pair)
    return np.array(found, np.int32)


def _examples(joined: np.ndarray, apart: np.ndarray) -> dict[str, np.ndarray]:
    linked = np.repeat(np.array([1, 0], np.int32), [len(joined), len(apart)])
    return {"pair": np.concatenate([joined, apart]).astype(np.int32), "linked": linked}
