"""YOLO's slots: the cells of several grids with anchors at each, and how numbers of a slot are a box and back."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from models.layers.anchors import size_overlap
from models.layers.boxes import centred, pairwise_overlap


class Slots(NamedTuple):
    """Places for a box: every anchor in every cell of every grid, grid by grid, row by row."""

    cell: Float[Array, "slots 2"]
    """column and row in the grid"""
    stride: Float[Array, " slots"]
    """side of a cell in pixels"""
    anchor: Float[Array, "slots 2"]
    """width and height in pixels"""
    number: Int[Array, " slots"]
    """of the anchor, over all grids"""


class Assignment(NamedTuple):
    """What each slot is to say of an image."""

    responsible: Bool[Array, " slots"]
    """whether it has an object"""
    ignored: Bool[Array, " slots"]
    """whether its objectness is left alone: it has none, but its box lies over one"""
    box: Float[Array, "slots 4"]
    """(x, y, width, height) of its object in pixels; of the first in the list where it has none"""
    label: Int[Array, " slots"]
    """class of its object; of no meaning where it has none"""


def make_slots(anchors: Float[Array, "grids anchors 2"], *, image: tuple[int, int], strides: Sequence[int]) -> Slots:
    """The slots of an image of (height, width) pixels, of whose grids each has its stride and its anchors.

    ``ValueError`` where a stride does not divide the image. Redmon & Farhadi 2018, section 2.3. Lecture 003, "YOLOv3".
    """
    if len(strides) != len(anchors) or any(side % stride for side in image for stride in strides):
        raise ValueError(f"strides {tuple(strides)} do not fit images of {image} and anchors of shape {anchors.shape}")
    each, dtype = anchors.shape[1], anchors.dtype
    grids = []
    for number, stride in enumerate(strides):
        rows, columns = image[0] // stride, image[1] // stride
        row, column, anchor = (axis.ravel() for axis in np.indices((rows, columns, each)))
        numbers = number * each + anchor
        cell = np.stack([column, row], axis=1).astype(dtype)
        grids.append((cell, np.full(len(cell), stride, dtype), numbers.astype(np.int32)))
    cell, stride, number = (jnp.asarray(np.concatenate(parts)) for parts in zip(*grids, strict=True))
    return Slots(cell, stride, anchors.reshape(-1, 2)[number], number)


def decode_boxes(values: Float[Array, "slots 4"], slots: Slots) -> Float[Array, "slots 4"]:
    """(x, y, width, height) in pixels from a slot's numbers t.

        x, y = (c + σ(t_xy)) · stride     width, height = p · exp(t_wh)

    with the cell c and the anchor p. Redmon & Farhadi 2018, section 2.1. Lecture 003, "YOLO inference".
    """
    centre = (slots.cell + jax.nn.sigmoid(values[:, :2])) * slots.stride[:, None]
    return jnp.concatenate([centre, slots.anchor * jnp.exp(values[:, 2:])], axis=1)


def encode_boxes(boxes: Float[Array, "slots 4"], slots: Slots) -> Float[Array, "slots 4"]:
    """The numbers t that give these boxes: the inverse of ``decode_boxes``, for centres strictly inside of the cells.

        t_xy = logit(f),  f = (x, y) / stride − c     t_wh = log((width, height) / p)

    Redmon & Farhadi 2018, section 2.1, "by inverting the equations above".
    """
    part = place_in_cell(boxes, slots)
    return jnp.concatenate([jnp.log(part) - jnp.log1p(-part), jnp.log(boxes[:, 2:] / slots.anchor)], axis=1)


def place_in_cell(boxes: Float[Array, "slots 4"], slots: Slots) -> Float[Array, "slots 2"]:
    """Where a box's centre lies in the slot's cell, from 0 to 1 where it does. Redmon & Farhadi 2018, section 2.1."""
    return boxes[:, :2] / slots.stride[:, None] - slots.cell


def assign(
    boxes: Float[Array, "objects 4"],
    labels: Int[Array, " objects"],
    predicted: Float[Array, "slots 4"],
    slots: Slots,
    *,
    ignore_threshold: float = 0.5,
) -> Assignment:
    """Which slot is responsible for which object of an image, all boxes given by corners in pixels.

    For an object it is the slot of the cell with its centre and of the anchor whose IoU with it is greatest, of equal
    ones the first. The rest is ``assign_anchors``. Redmon & Farhadi 2018, section 2.1. Lecture 003, "YOLO training".
    """
    sizes = jnp.where((labels >= 0)[:, None], boxes[:, 2:] - boxes[:, :2], 1)
    likeness = jax.vmap(jax.vmap(size_overlap, (None, 0)), (0, None))(sizes, slots.anchor)
    best = slots.number[jnp.argmax(likeness, axis=1)]
    return assign_anchors(boxes, labels, best, predicted, slots, ignore_threshold=ignore_threshold)


def assign_anchors(
    boxes: Float[Array, "objects 4"],
    labels: Int[Array, " objects"],
    anchors: Int[Array, " objects"],
    predicted: Float[Array, "slots 4"],
    slots: Slots,
    *,
    ignore_threshold: float = 0.5,
) -> Assignment:
    """Which slot is responsible for which object of an image, where the number of each object's anchor is known.

    It is the slot of the cell with the object's centre; of two objects in one slot the first counts. A label of −1 is
    no object. A slot without one whose ``predicted`` box has a greater IoU than ``ignore_threshold`` with any object is
    ignored. Redmon & Farhadi 2018, section 2.1. Lecture 003, "YOLO training".
    """
    objects = jax.vmap(centred)(boxes)
    there = labels >= 0
    cell = jnp.floor(objects[:, None, :2] / slots.stride[:, None])
    takes = (cell == slots.cell).all(axis=-1) & (anchors[:, None] == slots.number) & there[:, None]
    responsible, owner = takes.any(axis=0), takes.argmax(axis=0)
    over = (pairwise_overlap(predicted, boxes) > ignore_threshold) & there
    return Assignment(responsible, over.any(axis=1) & ~responsible, objects[owner], labels[owner])
