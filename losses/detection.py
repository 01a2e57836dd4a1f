"""What a one-stage detector is told: where its boxes ought to lie, which slots have an object, and of which class."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from losses.likelihoods import bernoulli_log_likelihood
from models.layers.yolo import Assignment, Slots, place_in_cell


class Prediction(NamedTuple):
    """What a network says of one image, before any sigmoid."""

    values: Float[Array, "slots 4"]
    """of which ``models.layers.yolo.decode_boxes`` makes boxes"""
    objectness: Float[Array, " slots"]
    """logits"""
    classes: Float[Array, "slots classes"]
    """logits, of each class by itself"""


class DetectionLoss(NamedTuple):
    """The parts of the loss of one image; what is minimised is their sum."""

    localization: Float[Array, ""]
    objectness: Float[Array, ""]
    classification: Float[Array, ""]


def squared_detection_loss(
    prediction: Prediction,
    assignment: Assignment,
    slots: Slots,
    *,
    extent: float = 1.0,
    coordinate_weight: float = 5.0,
    no_object_weight: float = 0.5,
) -> DetectionLoss:
    """Squared errors of everything, in the lecture's form.

        λ_coord Σ 1_obj [(x − x̂)² + (y − ŷ)² + (√w − √ŵ)² + (√h − √ĥ)²]
        Σ (1_obj + λ_noobj (1 − 1_obj)) (C − Ĉ)²
        Σ 1_obj Σ_c (p(c) − p̂(c))²

    over the slots, with x and y as parts of the cell, w and h of ``extent`` pixels, the image's side. Objectness and
    classes are sigmoids; Ĉ is 1 with an object and 0 without. Slots that are ignored have no part in the second.
    Redmon et al. 2016, equation 3, where Ĉ is the IoU. Lecture 003, "YOLO training".
    """
    dtype = prediction.values.dtype
    object_here, counts = assignment.responsible.astype(dtype), (~assignment.ignored).astype(dtype)
    place = jax.nn.sigmoid(prediction.values[:, :2]) - place_in_cell(assignment.box, slots)
    root = jnp.sqrt(slots.anchor / extent) * jnp.exp(prediction.values[:, 2:] / 2)
    off = jnp.sum(place**2 + (root - jnp.sqrt(assignment.box[:, 2:] / extent)) ** 2, axis=1)
    weight = object_here + no_object_weight * (1 - object_here) * counts
    wrong = (jax.nn.sigmoid(prediction.classes) - _one_hot(prediction, assignment)) ** 2
    return DetectionLoss(
        coordinate_weight * jnp.sum(_where(assignment, off)),
        jnp.sum(weight * (jax.nn.sigmoid(prediction.objectness) - object_here) ** 2),
        jnp.sum(_where(assignment, wrong.sum(axis=1))),
    )


def cross_entropy_detection_loss(prediction: Prediction, assignment: Assignment, slots: Slots) -> DetectionLoss:
    """Squared errors of boxes, and cross-entropies of objectness and of each class by itself, in nats.

        Σ 1_obj [(σ(t_x) − f_x)² + (σ(t_y) − f_y)² + (t_w − t̂_w)² + (t_h − t̂_h)²]
        Σ −log P(object as it is)                     over the slots that are not ignored
        Σ 1_obj Σ_c −log P(class c or not, as it is)

    with the place f of the centre in the cell and t̂ as ``encode_boxes`` has it; centres are compared after the sigmoid,
    as t̂ is infinite at a cell's border. Redmon & Farhadi 2018, sections 2.1 and 2.2.
    """
    dtype = prediction.values.dtype
    place = jax.nn.sigmoid(prediction.values[:, :2]) - place_in_cell(assignment.box, slots)
    sides = jnp.where(assignment.responsible[:, None], assignment.box[:, 2:], slots.anchor)
    stretch = prediction.values[:, 2:] - jnp.log(sides / slots.anchor)
    of_object = -jax.vmap(bernoulli_log_likelihood)(
        assignment.responsible.astype(dtype)[:, None], prediction.objectness[:, None]
    )
    of_classes = -jax.vmap(bernoulli_log_likelihood)(_one_hot(prediction, assignment), prediction.classes)
    return DetectionLoss(
        jnp.sum(_where(assignment, jnp.sum(place**2 + stretch**2, axis=1))),
        jnp.sum(jnp.where(assignment.ignored, 0, of_object)),
        jnp.sum(_where(assignment, of_classes)),
    )


def _one_hot(prediction: Prediction, assignment: Assignment) -> Float[Array, "slots classes"]:
    return jax.nn.one_hot(assignment.label, prediction.classes.shape[1], dtype=prediction.classes.dtype)


def _where(assignment: Assignment, values: Float[Array, " slots"]) -> Float[Array, " slots"]:
    """The values of slots with an object, 0 for all others, whose gradient is 0, too."""
    return jnp.where(assignment.responsible, values, 0)
