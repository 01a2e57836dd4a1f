"""Slots against loops over grids, and boxes that come back from their numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import overlap
from cases import Case

from models.layers.yolo import (
    Assignment,
    Slots,
    assign,
    assign_anchors,
    decode_boxes,
    encode_boxes,
    make_slots,
    place_in_cell,
)

ANCHORS = np.array([[[12.0, 20], [24, 16]], [[4, 5], [9, 6]]])
SIZE, STRIDES = (32, 48), (16, 8)
COUNT = 2 * (2 * 3 + 4 * 6)


def slots(dtype=jnp.float32):
    return make_slots(jnp.asarray(ANCHORS, dtype), image=SIZE, strides=STRIDES)


def by_hand(rng=None):
    """(cell, stride, anchor, number) of each slot, in the order of a map's memory."""
    listed = [
        ([column, row], stride, anchor, number)
        for grid, (stride, anchors) in enumerate(zip(STRIDES, ANCHORS, strict=True))
        for row in range(SIZE[0] // stride)
        for column in range(SIZE[1] // stride)
        for number, anchor in enumerate(anchors, 2 * grid)
    ]
    cell, stride, anchor, number = (np.array(part, float) for part in zip(*listed, strict=True))
    return Slots(cell, stride, anchor, number.astype(np.int32))


def boxes_in_cells(rng, given):
    centres = (given.cell + rng.uniform(0.05, 0.95, given.cell.shape)) * given.stride[:, None]
    return np.concatenate([centres, given.anchor * rng.uniform(0.5, 2, given.anchor.shape)], axis=1)


def objects(rng, count=4):
    low = rng.uniform(0, 20, (count, 2))
    return np.concatenate([low, low + rng.uniform(3, 12, (count, 2))], axis=1)


def around(rng):
    low = rng.uniform(0, 24, (COUNT, 2))
    return np.concatenate([low, low + rng.uniform(3, 12, (COUNT, 2))], axis=1)


CASES = {
    make_slots: Case(lambda rng: (rng.uniform(3, 9, (2, 2, 2)),), options={"image": SIZE, "strides": STRIDES}),
    decode_boxes: Case(lambda rng: (rng.normal(size=(COUNT, 4)), by_hand())),
    encode_boxes: Case(lambda rng: (boxes_in_cells(rng, by_hand()), by_hand())),
    place_in_cell: Case(lambda rng: (boxes_in_cells(rng, by_hand()), by_hand())),
    assign: Case(lambda rng: (objects(rng), rng.integers(-1, 3, 4), around(rng), by_hand())),
    assign_anchors: Case(
        lambda rng: (
            objects(rng),
            rng.integers(-1, 3, 4),
            rng.integers(0, 4, 4).astype(np.int32),
            around(rng),
            by_hand(),
        )
    ),
}


def test_slots_are_those_of_loops():
    jax.tree.map(np.testing.assert_array_equal, slots(), by_hand())


def test_encoding_and_decoding_undo_each_other(float64):
    given = slots(jnp.float64)
    boxes = jnp.asarray(boxes_in_cells(np.random.default_rng(0), by_hand()))
    np.testing.assert_allclose(decode_boxes(encode_boxes(boxes, given), given), boxes, rtol=1e-12)
    values = jnp.asarray(np.random.default_rng(1).normal(size=(COUNT, 4)))
    np.testing.assert_allclose(encode_boxes(decode_boxes(values, given), given), values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        decode_boxes(jnp.zeros((COUNT, 4)), given)[-1], [5.5 * 8, 3.5 * 8, 9, 6]
    )  # the middle of the last cell, and its anchor


def test_the_responsible_slot_is_that_of_the_cell_and_of_the_likest_anchor():
    rng, given = np.random.default_rng(0), by_hand()
    for _ in range(20):
        boxes, labels, predicted = objects(rng), rng.integers(-1, 3, 4), around(rng)
        owner, ignored = {}, set()
        for number, (box, label) in enumerate(zip(boxes, labels, strict=True)):
            if label < 0:
                continue
            width, height = box[2] - box[0], box[3] - box[1]
            like = [overlap([0, 0, width, height], [0, 0, *anchor]) for anchor in ANCHORS.reshape(-1, 2)]
            middle = (box[:2] + box[2:]) / 2
            for slot in range(COUNT):
                here = (middle // given.stride[slot] == given.cell[slot]).all()
                if here and given.number[slot] == np.argmax(like):
                    owner.setdefault(slot, number)
            ignored |= {slot for slot in range(COUNT) if overlap(predicted[slot], box) > 0.3}
        narrow = [jnp.asarray(each, jnp.float32) for each in (boxes, predicted)]
        found = assign(narrow[0], jnp.asarray(labels), narrow[1], slots(), ignore_threshold=0.3)
        assert set(np.flatnonzero(found.responsible)) == owner.keys()
        assert set(np.flatnonzero(found.ignored)) == ignored - owner.keys()
        for slot, number in owner.items():
            middle, size = (boxes[number, :2] + boxes[number, 2:]) / 2, boxes[number, 2:] - boxes[number, :2]
            np.testing.assert_allclose(found.box[slot], [*middle, *size], rtol=1e-5)
            assert found.label[slot] == labels[number]


def test_of_two_objects_in_one_slot_the_first_counts_and_padding_has_none():
    box = jnp.array([[8.0, 8, 13, 13], [8.0, 8, 13, 14], [0.0, 0, 0, 0]])
    found: Assignment = assign(box, jnp.array([2, 1, -1]), jnp.zeros((COUNT, 4)), slots())
    assert found.responsible.sum() == 1
    assert found.label[found.responsible.argmax()] == 2


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"strides \(32, 16\) do not fit images of \(32, 48\)"):
        make_slots(jnp.asarray(ANCHORS, jnp.float32), image=SIZE, strides=(32, 16))
