"""Pictures cut into many small regions: pixels joined along the edges of a grid, the likest neighbours first."""

import numpy as np
from jaxtyping import Float, Int

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Half of a pixel's eight neighbours, by row and column."""


class Components:
    """Sets that are joined, of each its size and the greatest weight of an edge within."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))
        self.size = [1] * count
        self.inside = [0.0] * count

    def find(self, member: int) -> int:
        """The member that stands for the set of this one."""
        parent = self.parent
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    def join(self, one: int, other: int, weight: float) -> None:
        """Two sets, given by those who stand for them, become one."""
        if self.size[one] < self.size[other]:
            one, other = other, one
        self.parent[other] = one
        self.size[one] += self.size[other]
        self.inside[one] = weight


def grid_edges(
    image: Float[np.ndarray, "height width channels"],
) -> tuple[Int[np.ndarray, "edges 2"], Float[np.ndarray, " edges"]]:
    """The pairs of neighbouring pixels, numbered row by row, and how far apart their values are: their distance in L2.

    Eight neighbours. Felzenszwalb & Huttenlocher 2004, section 5.
    """
    height, width = image.shape[:2]
    numbers = np.arange(height * width).reshape(height, width)
    pairs, weights = [], []
    for down, right in NEIGHBOURS:
        from_rows, to_rows = slice(0, height - down), slice(down, height)
        from_columns = slice(max(0, -right), width - max(0, right))
        to_columns = slice(max(0, right), width - max(0, -right))
        pairs.append(np.stack([numbers[from_rows, from_columns].ravel(), numbers[to_rows, to_columns].ravel()], axis=1))
        difference = image[from_rows, from_columns] - image[to_rows, to_columns]
        weights.append(np.sqrt((difference**2).sum(axis=-1)).ravel())
    return np.concatenate(pairs), np.concatenate(weights)


def segment_graph(
    image: Float[np.ndarray, "height width channels"], *, scale: float, least: int
) -> Int[np.ndarray, "height width"]:
    """The region of each pixel, numbered from 0 in the order of their first pixels; regions are connected.

    Edges are taken from the least weight on. Two components A and B become one if the edge between them is no longer
    than what is inside of either, with an allowance for small ones:

        w ≤ min(Int(A) + k / |A|, Int(B) + k / |B|)

    with the ``scale`` k and the greatest weight Int of an edge that was taken within. Then components of fewer than
    ``least`` pixels are joined with their likest neighbours. Felzenszwalb & Huttenlocher 2004, algorithm 1.
    """
    pairs, weights = grid_edges(image)
    order = np.argsort(weights, kind="stable")
    edges = list(zip(*pairs[order].T.tolist(), weights[order].tolist(), strict=True))
    components = Components(image.shape[0] * image.shape[1])
    find, size, inside = components.find, components.size, components.inside
    for one, other, weight in edges:
        one, other = find(one), find(other)
        if one != other and weight <= inside[one] + scale / size[one] and weight <= inside[other] + scale / size[other]:
            components.join(one, other, weight)
    for one, other, weight in edges:
        one, other = find(one), find(other)
        if one != other and min(size[one], size[other]) < least:
            components.join(one, other, weight)
    stands = np.array([find(pixel) for pixel in range(len(size))])
    _, first, regions = np.unique(stands, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[regions].reshape(image.shape[:2])
