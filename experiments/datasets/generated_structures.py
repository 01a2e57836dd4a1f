"""Grids and trees that are computed, with answers that depend on all of a structure."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated

KINDS = ("", "0", "1", "and", "or", "xor")
"""The nodes of an expression by number; 0 is padding."""
MOST_CHILDREN = 2


def mazes(size: int, *, free: float, examples: int) -> Dataset:
    """Grids of free and closed cells, "free" [size, size], and "reached": where one comes from the corner.

    A way goes right and down through free cells, and begins at the first cell, which is free.
    """
    splits = {}
    for seed, (split, count) in enumerate({"train": examples, "valid": examples // 4, "test": examples // 4}.items()):
        cells = maze_cells(seed, size, free=free, count=count)
        splits[split] = {"free": cells.astype(np.float32), "reached": reached(cells).astype(np.float32)}
    return generated("mazes", f"{examples} grids of {size} × {size} cells, {free:g} of them free", splits)


def maze_cells(seed: int, size: int, *, free: float, count: int) -> Bool[np.ndarray, "count size size"]:
    """Cells that are free with this probability, the first always."""
    cells = np.random.Generator(np.random.Philox(seed)).random((count, size, size)) < free
    cells[:, 0, 0] = True
    return cells


def reached(free: Bool[np.ndarray, "count rows columns"]) -> Bool[np.ndarray, "count rows columns"]:
    """The cells to which a way leads: free ones beside which, above or to the left, there is another."""
    found = free.copy()
    for row, column in np.ndindex(free.shape[1:]):
        if row or column:
            above = found[:, row - 1, column] if row else False
            left = found[:, row, column - 1] if column else False
            found[:, row, column] &= above | left
    return found


class Expression(NamedTuple):
    """A tree whose nodes stand after their children: kinds, children (−1 for none), values, and the depth."""

    kinds: list[int]
    children: list[tuple[int, int]]
    values: list[int]
    depth: int


def expressions(leaves: int, *, examples: int) -> Dataset:
    """Expressions of 0 and 1 with ``and``, ``or`` and ``xor``: "kinds" [nodes], "children" [nodes, 2], "value".

    A tree of 1 to ``leaves`` leaves is split anywhere, again and again; "root" is its last node, and "depth" the edges
    from there to the farthest leaf. Nodes after the root are padding, without children.
    """
    nodes = 2 * leaves - 1
    splits = {}
    for seed, (split, count) in enumerate({"train": examples, "valid": examples // 4, "test": examples // 4}.items()):
        generator = np.random.Generator(np.random.Philox(seed))
        drawn = [_expression(generator, int(generator.integers(1, leaves + 1))) for _ in range(count)]
        kinds, children = np.zeros((count, nodes), np.int32), np.full((count, nodes, MOST_CHILDREN), -1, np.int32)
        for row, tree in enumerate(drawn):
            kinds[row, : len(tree.kinds)], children[row, : len(tree.kinds)] = tree.kinds, tree.children
        splits[split] = {
            "kinds": kinds,
            "children": children,
            "root": np.array([len(tree.kinds) - 1 for tree in drawn], np.int32),
            "depth": np.array([tree.depth for tree in drawn], np.int32),
            "value": np.array([tree.values[-1] for tree in drawn], np.int32),
        }
    return generated("expressions", f"{examples} Boolean expressions of 1 to {leaves} leaves", splits, classes=2)


def _expression(generator: np.random.Generator, leaves: int, first: int = 0) -> Expression:
    """A random tree whose nodes are numbered from ``first`` on."""
    if leaves == 1:
        value = int(generator.integers(2))
        return Expression([KINDS.index(str(value))], [(-1, -1)], [value], 0)
    of_left = int(generator.integers(1, leaves))
    left = _expression(generator, of_left, first)
    right = _expression(generator, leaves - of_left, first + len(left.kinds))
    operator = KINDS[int(generator.integers(3, 6))]
    a, b = left.values[-1], right.values[-1]
    value = {"and": a & b, "or": a | b, "xor": a ^ b}[operator]
    children = (first + len(left.kinds) - 1, first + len(left.kinds) + len(right.kinds) - 1)
    return Expression(
        [*left.kinds, *right.kinds, KINDS.index(operator)],
        [*left.children, *right.children, children],
        [*left.values, *right.values, value],
        1 + max(left.depth, right.depth),
    )
