"""The door to graphs: a file, a folder, or what is generated."""

from pathlib import Path

from experiments.datasets.dataset import DataError, Dataset
from experiments.datasets.graphs.blocks import block_graph
from experiments.datasets.graphs.citations import read_citations
from experiments.datasets.graphs.npz import read_graph_npz
from experiments.datasets.graphs.raw import RawGraph, graph_dataset


def load_graph(path: Path | None, *, row_normalized: bool = True, split_seed: int = 0) -> Dataset:
    """The graph of an `.npz` file (``read_graph_npz``), of a folder (``read_citations``), or without a path a generated
    one (``block_graph``): examples are nodes, "node" and "label", the context is a ``models.layers.graph.Graph``.

    ``split_seed`` as in ``graph_dataset``. Raises DataError where there is none, or it cannot be used.
    """
    return graph_dataset(_read(path), row_normalized=row_normalized, split_seed=split_seed)


def _read(path: Path | None) -> RawGraph:
    if path is None:
        return block_graph()
    path = path.expanduser()
    if path.is_dir():
        return read_citations(path)
    if path.suffix != ".npz":
        raise DataError(f"{path}: expected an .npz file of a graph, or a folder with NAME.content and NAME.cites")
    return read_graph_npz(path)
