"""Pairs of generated shapes: two of one style in two poses, and one of another style in the second pose."""

from typing import Any

import numpy as np

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated
from experiments.datasets.meshes.landmarks import mesh_context
from experiments.datasets.meshes.shapes import Shape
from experiments.datasets.sources import Examples
from experiments.numerals import counted


def shape_pairs(shape: Shape, name: str, *, examples: int, landmarks: int) -> Dataset:
    """Shapes of styles a, b and poses p, q, all drawn uniformly from [−1, 1]: an eighth as many are held out twice.

    "vertices" [V, 3] is (a, p), "posed" is (a, q), "other" is (b, q), "style" and "pose" are a and p. The context holds
    "faces" and "landmarks", and of the training shapes the "mean" and the "scale".
    """
    splits: dict[str, Examples] = {}
    held_out = max(examples // 8, 1)
    for seed, (split, count) in enumerate({"train": examples, "valid": held_out, "test": held_out}.items()):
        generator = np.random.Generator(np.random.Philox(seed))
        styles = generator.uniform(-1, 1, (2, count, len(shape.styles)))
        poses = generator.uniform(-1, 1, (2, count, len(shape.poses)))
        splits[split] = {
            "vertices": _float32(shape.vertices(styles[0], poses[0])),
            "posed": _float32(shape.vertices(styles[0], poses[1])),
            "other": _float32(shape.vertices(styles[1], poses[1])),
            "style": _float32(styles[0]),
            "pose": _float32(poses[0]),
        }
    context = mesh_context(splits["train"]["vertices"], shape.faces, landmarks=landmarks)
    vertices = splits["train"]["vertices"].shape[1]
    factors = f"{counted(len(shape.styles), 'proportion')} and {counted(len(shape.poses), 'number')} of the pose"
    protocol = f"{examples}/{held_out}/{held_out} pairs of shapes, {vertices} vertices, {factors}"
    return generated(name, protocol, splits, context=context)


def _float32(array: Any) -> np.ndarray:
    return np.asarray(array, np.float32)
