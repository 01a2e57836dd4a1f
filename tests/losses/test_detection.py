"""Losses of slots against loops that write each term out, and at predictions that are right."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.special import expit, log_expit

from losses.detection import Prediction, cross_entropy_detection_loss, squared_detection_loss
from models.layers.yolo import Assignment, Slots, encode_boxes

COUNT, CLASSES = 12, 3


def example(rng):
    slots = Slots(
        rng.integers(0, 4, (COUNT, 2)).astype(float),
        rng.choice([8.0, 16.0], COUNT),
        rng.uniform(4, 20, (COUNT, 2)),
        np.arange(COUNT, dtype=np.int32),
    )
    centres = (slots.cell + rng.uniform(0.1, 0.9, (COUNT, 2))) * slots.stride[:, None]
    box = np.concatenate([centres, rng.uniform(4, 20, (COUNT, 2))], axis=1)
    responsible = np.arange(COUNT) % 3 == 0
    ignored = np.arange(COUNT) % 3 == 1
    told = Assignment(responsible, ignored, box, rng.integers(0, CLASSES, COUNT))
    said = Prediction(rng.normal(size=(COUNT, 4)), rng.normal(size=COUNT), rng.normal(size=(COUNT, CLASSES)))
    return said, told, slots


CASES = {squared_detection_loss: Case(example), cross_entropy_detection_loss: Case(example)}


def arrays(given):
    return jax.tree.map(jnp.asarray, given)


def test_the_squared_losses_are_the_lectures_sums(float64):
    said, told, slots = example(np.random.default_rng(0))
    place = objectness = kinds = 0.0
    for i in range(COUNT):
        confidence = expit(said.objectness[i])
        if told.responsible[i]:
            x, y = expit(said.values[i, :2])
            w, h = slots.anchor[i] * np.exp(said.values[i, 2:]) / 64
            true_x, true_y = told.box[i, :2] / slots.stride[i] - slots.cell[i]
            true_w, true_h = told.box[i, 2:] / 64
            place += (x - true_x) ** 2 + (y - true_y) ** 2
            place += (w**0.5 - true_w**0.5) ** 2 + (h**0.5 - true_h**0.5) ** 2
            objectness += (confidence - 1) ** 2
            kinds += sum((expit(said.classes[i, c]) - (told.label[i] == c)) ** 2 for c in range(CLASSES))
        elif not told.ignored[i]:
            objectness += 0.5 * confidence**2
    found = squared_detection_loss(*arrays((said, told, slots)), extent=64.0)
    np.testing.assert_allclose(found, [5 * place, objectness, kinds], rtol=1e-12)


def test_the_cross_entropies_are_the_papers_sums(float64):
    said, told, slots = example(np.random.default_rng(1))
    place = objectness = kinds = 0.0
    for i in range(COUNT):
        if told.responsible[i]:
            true = told.box[i, :2] / slots.stride[i] - slots.cell[i], np.log(told.box[i, 2:] / slots.anchor[i])
            place += np.sum((expit(said.values[i, :2]) - true[0]) ** 2) + np.sum((said.values[i, 2:] - true[1]) ** 2)
            objectness -= log_expit(said.objectness[i])
            signs = np.where(np.arange(CLASSES) == told.label[i], 1, -1)
            kinds -= log_expit(signs * said.classes[i]).sum()
        elif not told.ignored[i]:
            objectness -= log_expit(-said.objectness[i])
    found = cross_entropy_detection_loss(*arrays((said, told, slots)))
    np.testing.assert_allclose(found, [place, objectness, kinds], rtol=1e-12)


@pytest.mark.parametrize("loss", [squared_detection_loss, cross_entropy_detection_loss])
def test_what_is_right_costs_nothing(loss, float64):
    _, told, slots = arrays(example(np.random.default_rng(2)))
    values = encode_boxes(told.box, slots)
    sure = 40.0 * (2 * jax.nn.one_hot(told.label, CLASSES) - 1)
    right = Prediction(values, jnp.where(told.responsible, 40.0, -40.0), sure)
    np.testing.assert_allclose(loss(right, told, slots), [0, 0, 0], atol=1e-12)


@pytest.mark.parametrize("loss", [squared_detection_loss, cross_entropy_detection_loss])
def test_an_image_without_objects_has_finite_gradients(loss):
    """The box of a slot without one is that of padding, of size 0."""
    said, told, slots = example(np.random.default_rng(3))
    nothing = told._replace(responsible=np.zeros(COUNT, bool), box=np.zeros((COUNT, 4)))
    said, nothing, slots = jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float32 if leaf.dtype == float else None), (said, nothing, slots)
    )
    gradient = jax.grad(lambda given: sum(loss(given, nothing, slots)))(said)
    assert all(np.isfinite(leaf).all() for leaf in gradient)
    assert not np.asarray(gradient.values).any()
