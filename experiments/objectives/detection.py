"""Losses of one-stage detectors over a batch of scenes, and what they find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float

from losses.detection import (
    DetectionLoss,
    Prediction,
    cross_entropy_detection_loss,
    squared_detection_loss,
)
from losses.metrics.detection import Detections, Truth
from models.layers.boxes import corners
from models.layers.suppression import suppress_overlaps
from models.layers.yolo import Assignment, Slots, assign, decode_boxes
from train.optimizers import NotNegative
from train.task import Batch


@dataclass(frozen=True, kw_only=True)
class DetectionObjective:
    """What a detector is told, and what is kept of what it says."""

    loss: Literal["cross_entropy", "squared"] = "cross_entropy"
    """cross_entropy: of objectness and classes, as in YOLOv3's paper; squared: the lecture's errors of everything"""
    ignore_threshold: Annotated[float, Ge(0), Le(1)] = 0.5
    """IoU with an object above which the objectness of a slot without one is left alone; 1: of none"""
    coordinate_weight: NotNegative = 5.0
    """of the boxes beside the rest; the lecture's λ_coord"""
    no_object_weight: NotNegative = 0.5
    """of the objectness of slots without an object beside those with one; the lecture's λ_noobj"""
    suppress: Annotated[float, Ge(0), Le(1)] = 0.5
    """IoU above which the worse of two found boxes of a class goes"""
    detections: Annotated[int, Gt(0)] = 20
    """most boxes that are kept in an image"""

    def idle(self) -> dict[str, str]:
        """The weights of the squared errors without these."""
        weights = ("coordinate_weight", "no_object_weight") if self.loss == "cross_entropy" else ()
        return dict.fromkeys(weights, f"with --loss {self.loss}")

    def losses(
        self,
        prediction: Prediction,
        batch: Batch,
        slots: Slots,
        *,
        extent: float,
        assigned: Callable[..., Assignment] = assign,
    ) -> DetectionLoss:
        """The parts of the loss of each image, where a crowd is no object to find; ``assigned`` says which slot is
        responsible for which object.
        """

        def of_image(said: Prediction, boxes: Array, labels: Array) -> DetectionLoss:
            found = jax.vmap(corners)(decode_boxes(jax.lax.stop_gradient(said.values), slots))
            told = assigned(boxes, labels, found, slots, ignore_threshold=self.ignore_threshold)
            if self.loss == "cross_entropy":
                return cross_entropy_detection_loss(said, told, slots)
            return squared_detection_loss(
                said,
                told,
                slots,
                extent=extent,
                coordinate_weight=self.coordinate_weight,
                no_object_weight=self.no_object_weight,
            )

        labels = jnp.where(batch["crowd"], -1, batch["label"])
        return jax.vmap(of_image)(prediction, batch["box"], labels)

    def detect(self, prediction: Prediction, slots: Slots) -> Detections:
        """The best boxes of each image: what is left of each class, and of that what has the best scores.

        A score is σ(objectness) σ(class).
        """

        def of_image(said: Prediction) -> Detections:
            boxes = jax.vmap(corners)(decode_boxes(said.values, slots))
            return self.keep(boxes, jax.nn.sigmoid(said.objectness)[:, None] * jax.nn.sigmoid(said.classes))

        return jax.vmap(of_image)(prediction)

    def keep(self, boxes: Float[Array, "boxes 4"], scores: Float[Array, "boxes classes"]) -> Detections:
        """Of one image what is left of each class, and of that what has the best scores; a box of score −∞ is none."""

        def of_class(own: Float[Array, " boxes"]) -> tuple[Array, Array]:
            kept = suppress_overlaps(boxes, own, keep=self.detections, threshold=self.suppress)
            return boxes[kept], jnp.where(kept >= 0, own[kept], -jnp.inf)

        kept, own = jax.vmap(of_class, in_axes=1)(scores)
        best, places = jax.lax.top_k(own.reshape(-1), self.detections)
        return Detections(kept.reshape(-1, 4)[places], best, places // self.detections)


def prediction_of(maps: Sequence[Float[Array, "batch rows columns anchors numbers"]]) -> Prediction:
    """What a network's maps say of each image, slot by slot."""
    said = jnp.concatenate([each.reshape(len(each), -1, each.shape[-1]) for each in maps], axis=1)
    return Prediction(said[..., :4], said[..., 4], said[..., 5:])


def truth_of(batch: Batch) -> Truth:
    """What is in scenes."""
    return Truth(batch["box"], batch["label"], batch["crowd"])
