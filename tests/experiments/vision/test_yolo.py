"""The detector: what it keeps is what loops keep, what is perfect scores 100 %, and it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import overlap
from scipy.special import expit
from trained import metrics_of_run

from experiments.objectives.detection import DetectionObjective, prediction_of, truth_of
from experiments.run.settings import configure
from experiments.vision.yolo.experiment import YOLOSettings, data
from losses.detection import Prediction
from losses.metrics.detection import detection_average_precision
from models.layers.boxes import centred
from models.layers.yolo import assign, encode_boxes, make_slots

SMALL = {"scenes": 16, "held_out": 4, "batch_size": 4}


def slots_of(dataset):
    return make_slots(jnp.asarray(dataset.context["anchors"]), image=(64, 64), strides=(16, 8, 4))


@pytest.fixture(scope="module")
def dataset():
    return data(configure(YOLOSettings(), SMALL))


def test_anchors_are_those_of_the_training_boxes_the_largest_on_the_coarsest_map(dataset):
    areas = np.prod(dataset.context["anchors"], axis=-1)
    assert areas.shape == (3, 3)
    assert areas[0].min() >= areas[1].max() >= areas[1].min() >= areas[2].max()


def test_what_says_the_truth_has_an_average_precision_of_one(dataset):
    """Objects are written into their slots, of which each has one, and read out again by decoding and suppression."""
    slots, scenes = slots_of(dataset), jax.tree.map(jnp.asarray, dataset.splits["train"])

    def said(boxes, labels):
        told = assign(boxes, labels, jnp.zeros((len(slots.stride), 4)), slots)
        objectness = jnp.where(told.responsible, 8.0, -8.0)
        values = jnp.where(told.responsible[:, None], encode_boxes(told.box, slots), 0)
        return Prediction(values, objectness, 16 * jax.nn.one_hot(told.label, 3) - 8)

    prediction = jax.jit(jax.vmap(said))(scenes["box"], scenes["label"])
    apart = (prediction.objectness > 0).sum(axis=1) == (scenes["label"] >= 0).sum(axis=1)
    assert apart.sum() >= 12
    prediction, scenes = jax.tree.map(lambda leaf: leaf[apart], (prediction, scenes))
    found = jax.jit(lambda given: DetectionObjective(suppress=0.9).detect(given, slots))(prediction)
    precision = detection_average_precision(found, truth_of(scenes), classes=3, thresholds=(0.5, 0.95))
    np.testing.assert_allclose(precision, 1, atol=1e-6)


def test_what_is_kept_is_what_loops_keep(dataset):
    slots, rng = slots_of(dataset), np.random.default_rng(0)
    count = len(slots.stride)
    said = Prediction(rng.normal(size=(count, 4)), rng.normal(size=count), rng.normal(size=(count, 3)))
    said = jax.tree.map(lambda leaf: jnp.asarray(leaf[None], jnp.float32), said)
    found = DetectionObjective(suppress=0.4, detections=6).detect(said, slots)
    values, objectness, kinds = (np.asarray(part[0], float) for part in said)
    middle = (np.asarray(slots.cell) + expit(values[:, :2])) * np.asarray(slots.stride)[:, None]
    half = np.asarray(slots.anchor) * np.exp(values[:, 2:]) / 2
    boxes, kept = np.concatenate([middle - half, middle + half], axis=1), []
    for label in range(3):
        scores, own = expit(objectness) * expit(kinds[:, label]), []
        for place in np.argsort(-scores):
            if len(own) < 6 and all(overlap(boxes[place], boxes[other]) <= 0.4 for other in own):
                own.append(place)
        kept += [(scores[place], label, place) for place in own]
    best = sorted(kept, reverse=True)[:6]
    np.testing.assert_allclose(found.score[0], [score for score, *_ in best], rtol=1e-5)
    assert found.label[0].tolist() == [label for _, label, _ in best]
    np.testing.assert_allclose(found.box[0], boxes[[place for *_, place in best]], rtol=1e-4, atol=1e-3)
    assert np.isfinite(jax.vmap(centred)(found.box[0])).all()


def test_maps_are_read_in_the_order_of_the_slots(dataset):
    slots = slots_of(dataset)
    maps = [
        jnp.broadcast_to(jnp.arange(side)[None, :, None, None, None], (1, side, side, 3, 8)).astype(jnp.float32)
        for side in (4, 8, 16)
    ]
    said = prediction_of(maps)
    np.testing.assert_array_equal(said.objectness[0], slots.cell[:, 1])  # each number is its row


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": (8, 16, 32)}, "one width more than stages"),
        ({"widths": (8, 16, 31, 64, 64)}, "even after the first"),
        ({"head": 2}, "--head 2 must be odd"),
        ({"image_size": 56}, "--image-size 56 must be a multiple of 16"),
    ],
)
def test_nets_that_do_not_fit_are_refused_in_one_line(fields, message):
    with pytest.raises(ValueError, match=message) as caught:
        configure(YOLOSettings(), fields)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_it_finds_shapes(undrawn, tmp_path):
    found = metrics_of_run("yolo", tmp_path, steps=800, scenes=2000)
    assert found["ap50"] > 60
