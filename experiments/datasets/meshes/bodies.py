"""Bodies of boxes on bones: one closed surface of fixed connectivity, whose limbs are sized and turned."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
"""Of a square, counterclockwise."""


class Bone(NamedTuple):
    """A part of a body that is sized and turned as a whole."""

    box: tuple[tuple[int, int, int], tuple[int, int, int]]
    """the lowest and the highest corner, on the lattice"""
    joint: tuple[float, float, float]
    """about which it turns"""
    parent: str = ""
    """what it hangs on; nothing for the first"""


class Body:
    """The surface of boxes of unit cubes that share faces, and which bones each vertex follows."""

    def __init__(self, bones: Mapping[str, Bone]):
        self.bones = dict(bones)
        self._cubes: dict[tuple[int, ...], int] = {}
        for number, bone in enumerate(self.bones.values()):
            low, high = np.array(bone.box)
            self._cubes |= {tuple((low + step).tolist()): number for step in np.ndindex(*(high - low))}

    @cached_property
    def _surface(self) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
        """Corners of the squares between a cube and nothing, two triangles to each."""
        numbers: dict[tuple[int, ...], int] = {}
        faces = []
        for cube in self._cubes:
            for axis in range(3):
                for side in (0, 1):
                    beside = np.array(cube)
                    beside[axis] += 2 * side - 1
                    if tuple(beside.tolist()) in self._cubes:
                        continue
                    square = np.empty((4, 3), int)
                    square[:, axis] = cube[axis] + side
                    for place, other in enumerate(((axis + 1) % 3, (axis + 2) % 3)):
                        square[:, other] = cube[other] + CORNERS[:, place]
                    corners = [numbers.setdefault(tuple(each), len(numbers)) for each in square.tolist()]
                    a, b, c, d = corners if side else corners[::-1]
                    even = sum(cube) % 2 == 0
                    faces += [(a, b, c), (a, c, d)] if even else [(a, b, d), (b, c, d)]
        return np.array(list(numbers), float), np.array(faces, np.int32)

    @property
    def lattice(self) -> Float[np.ndarray, "vertices 3"]:
        """The vertices at rest, all bones of their own size."""
        return self._surface[0]

    @property
    def faces(self) -> Int[np.ndarray, "faces 3"]:
        """Triangles, counterclockwise from outside."""
        return self._surface[1]

    @cached_property
    def weights(self) -> Float[np.ndarray, "vertices bones"]:
        """How far each vertex follows each bone: by the number of the cubes around it."""
        weights = np.zeros((len(self.lattice), len(self.bones)))
        for row, vertex in enumerate(self.lattice.astype(int)):
            for offset in np.ndindex(2, 2, 2):
                if (bone := self._cubes.get(tuple((vertex - offset).tolist()))) is not None:
                    weights[row, bone] += 1
        return weights / weights.sum(axis=1, keepdims=True)

    def posed(
        self,
        sizes: Mapping[str, Float[np.ndarray, "batch 3"]],
        turns: Mapping[str, Float[np.ndarray, "batch 3 3"]],
        *,
        batch: int,
    ) -> Float[np.ndarray, "batch vertices 3"]:
        """Vertices where bones are stretched along the axes of the lattice, then turned about their joints.

            x = Σ_b w_b (R_b (s_b ∘ (v − j_b)) + p_b),     R_b = R_parent T_b

        Linear blend skinning (Magnenat-Thalmann et al. 1988); a bone that is not named keeps its size and direction.
        """
        placed: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        vertices = np.zeros((batch, len(self.lattice), 3))
        for number, (name, bone) in enumerate(self.bones.items()):
            size = sizes.get(name, np.ones((batch, 3)))
            turn = turns.get(name, np.broadcast_to(np.eye(3), (batch, 3, 3)))
            place = np.zeros((batch, 3))
            if bone.parent:
                parent_turn, parent_size, parent_place = placed[bone.parent]
                arm = parent_size * np.subtract(bone.joint, self.bones[bone.parent].joint)
                place, turn = parent_place + np.einsum("bij,bj->bi", parent_turn, arm), parent_turn @ turn
            placed[name] = turn, size, place
            local = size[:, None] * (self.lattice - bone.joint)
            moved = np.einsum("bij,bvj->bvi", turn, local) + place[:, None]
            vertices += self.weights[:, number, None] * moved
        return vertices


def rotation(axis: int, angle: Float[np.ndarray, " batch"]) -> Float[np.ndarray, "batch 3 3"]:
    """Turns by an angle in radians about an axis of space, counterclockwise where it points to the eye."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    turn = np.zeros((len(angle), 3, 3))
    turn[:, axis, axis] = 1
    turn[:, one, one] = turn[:, two, two] = np.cos(angle)
    turn[:, two, one] = np.sin(angle)
    turn[:, one, two] = -np.sin(angle)
    return turn
