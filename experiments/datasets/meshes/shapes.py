"""Shapes with known factors: each is a function of proportions ("style") and of a pose, both of entries in [−1, 1]."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.meshes.bodies import Body, Bone, rotation

SPREAD = 0.3
"""How far a proportion lies from 1, at most."""
UNIT = 0.1
"""A lattice step of the bodies, in the unit of their vertices."""
Factors = Float[np.ndarray, "batch factors"]


class Shape(NamedTuple):
    """A family of meshes of one connectivity."""

    faces: Int[np.ndarray, "faces 3"]
    styles: tuple[str, ...]
    poses: tuple[str, ...]
    vertices: Callable[[Factors, Factors], Float[np.ndarray, "batch vertices 3"]]
    """of styles and poses"""


def sheet(rows: int, columns: int) -> Shape:
    """A rectangle that is bent along its columns: every edge keeps its length, and so does every geodesic.

    Sides are (1 ± 0.3) × (0.7 ± 0.2). The angle between neighbouring columns of quads is a mean that adds up to at most
    π from end to end, and a wave of the same size over it: with flat quads the bending is isometric to rounding.
    """
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (each.ravel() for each in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    even = (np.add.outer(np.arange(rows - 1), np.arange(columns - 1)) % 2 == 0).ravel()[:, None]
    first = np.where(even, np.stack([a, b, c], axis=1), np.stack([a, b, d], axis=1))
    second = np.where(even, np.stack([a, c, d], axis=1), np.stack([b, c, d], axis=1))
    faces = np.concatenate([first, second]).astype(np.int32)

    def vertices(style: Factors, pose: Factors) -> Float[np.ndarray, "batch vertices 3"]:
        length, width = 1 + SPREAD * style[:, 0], 0.7 + 0.2 * style[:, 1]
        along = np.linspace(-0.5, 0.5, columns - 1)
        bend = np.pi * (pose[:, :1] * along + pose[:, 1:] * (1 - np.cos(2 * np.pi * along)) / 4)
        steps = np.stack([np.cos(bend), np.sin(bend)], axis=-1) * (length / (columns - 1))[:, None, None]
        line = np.concatenate([np.zeros((len(style), 1, 2)), np.cumsum(steps, axis=1)], axis=1)
        line -= line.mean(axis=1, keepdims=True)
        across = np.linspace(-0.5, 0.5, rows) * width[:, None]
        grid = np.empty((len(style), rows, columns, 3))
        grid[..., 0], grid[..., 1], grid[..., 2] = line[:, None, :, 0], across[:, :, None], line[:, None, :, 1]
        return grid.reshape(len(style), -1, 3)

    return Shape(faces, ("length", "width"), ("bend", "wave"), vertices)


FIGURE = Body(
    {
        "torso": Bone(((0, 0, 0), (3, 4, 1)), (1.5, 0, 0.5)),
        "head": Bone(((1, 4, 0), (2, 6, 1)), (1.5, 4, 0.5), "torso"),
        "left thigh": Bone(((0, -2, 0), (1, 0, 1)), (0.5, 0, 0.5), "torso"),
        "left shin": Bone(((0, -4, 0), (1, -2, 1)), (0.5, -2, 0.5), "left thigh"),
        "right thigh": Bone(((2, -2, 0), (3, 0, 1)), (2.5, 0, 0.5), "torso"),
        "right shin": Bone(((2, -4, 0), (3, -2, 1)), (2.5, -2, 0.5), "right thigh"),
        "left arm": Bone(((-2, 3, 0), (0, 4, 1)), (0, 3.5, 0.5), "torso"),
        "left forearm": Bone(((-4, 3, 0), (-2, 4, 1)), (-2, 3.5, 0.5), "left arm"),
        "right arm": Bone(((3, 3, 0), (5, 4, 1)), (3, 3.5, 0.5), "torso"),
        "right forearm": Bone(((5, 3, 0), (7, 4, 1)), (5, 3.5, 0.5), "right arm"),
    }
)
"""112 vertices; x to its left, y up, z ahead."""


def figure() -> Shape:
    """A figure that walks: limbs of square section, of five proportions.

    The stride swings legs and arms by up to 0.9 radians against each other, and bends the knee of the leg that is
    behind; arms hang 0.3 to 1.3 radians below the shoulders, and elbows bend by up to 1.2.
    """

    def vertices(style: Factors, pose: Factors) -> Float[np.ndarray, "batch vertices 3"]:
        legs, arms, girth, breadth, height = (1 + SPREAD * style).T
        stride, lift, elbow = pose.T
        sizes = {"torso": np.stack([breadth, height, girth], axis=1), "head": np.stack([girth] * 3, axis=1)}
        turns = {}
        for side, sign in (("left", 1.0), ("right", -1.0)):
            for part in ("thigh", "shin"):
                sizes[f"{side} {part}"] = np.stack([girth, legs, girth], axis=1)
            for part in ("arm", "forearm"):
                sizes[f"{side} {part}"] = np.stack([arms, girth, girth], axis=1)
            swing = sign * 0.9 * stride
            turns[f"{side} thigh"] = rotation(0, swing)
            turns[f"{side} shin"] = rotation(0, np.maximum(swing, 0))
            turns[f"{side} arm"] = rotation(0, -swing) @ rotation(2, sign * (0.8 - 0.5 * lift))
            turns[f"{side} forearm"] = rotation(1, sign * 0.6 * (1 + elbow))
        return UNIT * FIGURE.posed(sizes, turns, batch=len(style))

    styles = ("legs", "arms", "girth", "breadth", "height")
    return Shape(FIGURE.faces, styles, ("stride", "lift", "elbow"), vertices)


FINGERS = ("index", "middle", "ring", "little")
HAND = Body(
    {
        "palm": Bone(((0, 0, 0), (7, 2, 1)), (3.5, 0, 0.5)),
        "thumb": Bone(((-3, 0, 0), (0, 1, 1)), (0, 0.5, 0.5), "palm"),
    }
    | {name: Bone(((2 * i, 2, 0), (2 * i + 1, 4, 1)), (2 * i + 0.5, 2, 0.5), "palm") for i, name in enumerate(FINGERS)}
    | {
        f"{name} tip": Bone(((2 * i, 4, 0), (2 * i + 1, 6, 1)), (2 * i + 0.5, 4, 0.5), name)
        for i, name in enumerate(FINGERS)
    }
)
"""124 vertices; fingers along y, the back of the hand behind z."""


def hand() -> Shape:
    """A hand of tubes: fingers curl by up to 1.2 radians at each of two joints, two and two together, and the thumb."""

    def vertices(style: Factors, pose: Factors) -> Float[np.ndarray, "batch vertices 3"]:
        length, thickness, breadth, height = (1 + SPREAD * style).T
        first, last, thumb = (0.6 * (1 + pose)).T
        sizes = {"palm": np.stack([breadth, height, thickness], axis=1)}
        sizes["thumb"] = np.stack([length, thickness, thickness], axis=1)
        turns = {"thumb": rotation(1, thumb)}
        for i, name in enumerate(FINGERS):
            sizes[name] = sizes[f"{name} tip"] = np.stack([thickness, length, thickness], axis=1)
            turns[name] = turns[f"{name} tip"] = rotation(0, first if i < 2 else last)
        return UNIT * HAND.posed(sizes, turns, batch=len(style))

    styles = ("length", "thickness", "breadth", "height")
    return Shape(HAND.faces, styles, ("two fingers", "other two", "thumb"), vertices)
