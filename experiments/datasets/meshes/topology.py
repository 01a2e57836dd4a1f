"""What the faces of a mesh are, by counting: edges at a border, edges of more than two faces, components."""

import numpy as np
from jaxtyping import Int


def edge_counts(faces: Int[np.ndarray, "faces 3"]) -> Int[np.ndarray, " edges"]:
    """How many faces each edge has."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def border_edges(faces: Int[np.ndarray, "faces 3"]) -> int:
    """Edges of one face."""
    return int(np.sum(edge_counts(faces) == 1))


def crowded_edges(faces: Int[np.ndarray, "faces 3"]) -> int:
    """Edges of more than two faces, at which a surface is no manifold."""
    return int(np.sum(edge_counts(faces) > 2))


def components(faces: Int[np.ndarray, "faces 3"], vertices: int) -> int:
    """Parts that no face joins; a vertex of no face is one."""
    label = np.arange(vertices)
    while True:
        least = label[faces].min(axis=1)
        lower = label.copy()
        np.minimum.at(lower, faces.reshape(-1), np.repeat(least, 3))
        lower = lower[lower]
        if np.array_equal(lower, label):
            return len(np.unique(label))
        label = lower
