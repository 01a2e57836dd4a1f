"""Scenes of shapes that hide each other, with exact boxes and masks: for detection and segmentation."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated
from experiments.datasets.hashing import fingerprint
from experiments.numerals import counted

SHAPE_CLASSES = ("ellipse", "rectangle", "triangle")
"""What is in a scene, in the order of the labels."""
LEAST_VISIBLE = 0.6
"""Of each shape's pixels; what would hide more of another is not placed."""
TRIES = 20
CONTRAST = 0.25
"""Least difference of brightness between a shape and the mean of its background."""


class Scene(NamedTuple):
    """An image and what is in it, as arrays of fixed shapes."""

    image: Float[np.ndarray, "size size channels"]
    """intensities in [0, 1]"""
    box: Float[np.ndarray, "objects 4"]
    """(left, top, right, bottom) in pixels, around the visible ones; zeros beyond the last object"""
    label: Int[np.ndarray, " objects"]
    """number in ``SHAPE_CLASSES``; −1 beyond the last object"""
    crowd: Bool[np.ndarray, " objects"]
    """whether a box is around many: none is"""
    mask: Int[np.ndarray, "size size"]
    """of each pixel the label of what is seen there, plus 1; 0 is background"""
    instance: Int[np.ndarray, "size size"]
    """of each pixel the number of the object that is seen there, plus 1; 0 is background"""


def shape_scenes(
    *,
    examples: int = 2000,
    held_out: int = 250,
    size: int = 64,
    channels: int = 1,
    objects: int = 4,
    least: float = 8,
    most: float = 28,
    noise: float = 0.05,
) -> Dataset:
    """Scenes of one to so many ``objects``, fields as in ``Scene``: ``examples`` for training, ``held_out`` for
    validation and twice as many for the test.

    The geometric mean of a shape's sides is drawn log-uniformly from ``least`` to ``most`` pixels, the ratio of its
    sides from ½ to 2, its class, place and colour uniformly; later shapes lie over earlier ones, and of each at least
    ``LEAST_VISIBLE`` is seen. A pixel belongs to a shape if its centre does. The background is a smooth texture, and
    all pixels have Gaussian noise. Every scene is a function of its number and of the split.
    """
    splits = {}
    for number, (split, count) in enumerate({"train": examples, "valid": held_out, "test": 2 * held_out}.items()):
        generator = np.random.Generator(np.random.Philox(number))
        drawn = [
            draw_scene(generator, size=size, channels=channels, objects=objects, sides=(least, most), noise=noise)
            for _ in range(count)
        ]
        splits[split] = {name: np.stack([getattr(scene, name) for scene in drawn]) for name in Scene._fields}
    what = f"1 to {counted(objects, 'shape')} of {least:g} to {counted(most, 'pixel')} on {size}×{size}"
    protocol = f"{examples}/{held_out}/{2 * held_out} scenes of {what}, {counted(channels, 'channel')}"
    dataset = generated("scenes of shapes", protocol, splits, classes=len(SHAPE_CLASSES))
    return dataset._replace(class_names=SHAPE_CLASSES)


def of_one_class(scenes: Dataset, name: str) -> Dataset:
    """The scenes with all objects in one class."""
    splits = {split: each | {"label": np.minimum(each["label"], 0)} for split, each in scenes.splits.items()}
    return scenes._replace(
        protocol=f"{scenes.protocol}, one class",
        splits=splits,
        fingerprint=fingerprint(splits),
        classes=1,
        class_names=(name,),
    )


def draw_scene(
    generator: np.random.Generator,
    *,
    size: int,
    channels: int,
    objects: int,
    sides: tuple[float, float],
    noise: float,
) -> Scene:
    """A scene; a shape for which no place is found in ``TRIES`` is left out, but the first always has one."""
    image = background(generator, size=size, channels=channels)
    base = image.mean(axis=(0, 1))
    instance, labels, full = np.zeros((size, size), np.int32), [], []
    for _ in range(generator.integers(1, objects + 1)):
        for _ in range(TRIES):
            label, covered = draw_shape(generator, size=size, sides=sides)
            proposed = np.where(covered, len(labels) + 1, instance)
            seen = np.bincount(proposed.ravel(), minlength=len(labels) + 2)[1:]
            if covered.any() and np.all(seen >= LEAST_VISIBLE * np.array([*full, covered.sum()])):
                instance = proposed
                labels.append(label)
                full.append(covered.sum())
                image[covered] = colour(generator, base)
                break
    image += noise * generator.standard_normal(image.shape)
    label = np.full(objects, -1, np.int32)
    label[: len(labels)] = labels
    mask = np.concatenate([[0], label + 1])[instance].astype(np.int32)
    crowd = np.zeros(objects, bool)
    return Scene(np.clip(image, 0, 1).astype(np.float32), boxes_of(instance, objects), label, crowd, mask, instance)


def background(generator: np.random.Generator, *, size: int, channels: int) -> Float[np.ndarray, "size size channels"]:
    """A constant, and a smooth texture about it: a plane wave of a random direction and wavelength in each channel."""
    rows, columns = np.mgrid[:size, :size] / size
    image = np.empty((size, size, channels))
    for channel in range(channels):
        level, angle, phase = generator.uniform(0.25, 0.75), *generator.uniform(0, 2 * np.pi, 2)
        waves = generator.uniform(1, 6)
        along = np.cos(angle) * columns + np.sin(angle) * rows
        image[..., channel] = level + 0.08 * np.sin(2 * np.pi * waves * along + phase)
    return image


def draw_shape(
    generator: np.random.Generator, *, size: int, sides: tuple[float, float]
) -> tuple[int, Bool[np.ndarray, "size size"]]:
    """A class, and the pixels whose centres lie in a shape of it, all within the image."""
    label = int(generator.integers(len(SHAPE_CLASSES)))
    mean = np.exp(generator.uniform(*np.log(sides)))
    stretch = 2 ** generator.uniform(-0.5, 0.5)
    width, height = (min(side, size) for side in (mean * stretch, mean / stretch))
    left, top = generator.uniform(0, size - width), generator.uniform(0, size - height)
    across = (np.arange(size) + 0.5 - left)[None, :] / width
    down = (np.arange(size) + 0.5 - top)[:, None] / height
    return label, inside(label, across, down)


def inside(
    label: int, across: Float[np.ndarray, "1 width"], down: Float[np.ndarray, "height 1"]
) -> Bool[np.ndarray, "height width"]:
    """Whether points lie in a shape that fills the unit square: an ellipse, the square, a triangle that stands."""
    match SHAPE_CLASSES[label]:
        case "ellipse":
            return (across - 0.5) ** 2 + (down - 0.5) ** 2 <= 0.25
        case "rectangle":
            return (np.abs(across - 0.5) <= 0.5) & (np.abs(down - 0.5) <= 0.5)
        case "triangle":
            return (2 * np.abs(across - 0.5) <= down) & (down <= 1)
    raise ValueError(f"no shape has label {label}")


def colour(generator: np.random.Generator, base: Float[np.ndarray, " channels"]) -> Float[np.ndarray, " channels"]:
    """One that is uniform among those far enough from the background's in brightness."""
    while True:
        drawn = generator.uniform(0, 1, base.shape)
        if abs(drawn.mean() - base.mean()) >= CONTRAST:
            return drawn


def boxes_of(instance: Int[np.ndarray, "size size"], objects: int) -> Float[np.ndarray, "objects 4"]:
    """The box around each object's pixels, zeros where it has none."""
    boxes = np.zeros((objects, 4), np.float32)
    for number in range(objects):
        rows, columns = np.nonzero(instance == number + 1)
        if len(rows):
            boxes[number] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return boxes
