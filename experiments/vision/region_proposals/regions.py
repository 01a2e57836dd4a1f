"""A classifier of regions, with a class for background: how it learns, and what it finds."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from experiments.objectives.classification import classification_losses
from experiments.objectives.detection import DetectionObjective
from experiments.vision.region_proposals.proposals import there
from losses.metrics.detection import Detections
from models.layers.regions import crop_resized, label_regions, sample_regions, with_context
from train.measures import Ratio
from train.task import Batch, LossFn, Params

SEEN_AT_ONCE = 10


class RegionClassifier(NamedTuple):
    """A network of crops, and how they are cut."""

    model: nn.Module
    """with one output more than there are classes: the last is background"""
    classes: int
    crop: int
    """pixels of a side"""
    context: float
    """margin around a region, as a part of its sides"""

    def says(
        self,
        params: Params,
        images: Float[Array, "images height width channels"],
        boxes: Float[Array, "images boxes 4"],
    ) -> Float[Array, "images boxes outputs"]:
        """Logits of what lies in some boxes of each image."""

        def cut(image: Float[Array, "height width channels"], box: Float[Array, "4"]) -> Array:
            return crop_resized(image, with_context(box, image=image.shape[:2], context=self.context), size=self.crop)

        crops = jax.vmap(jax.vmap(cut, (None, 0)))(images, boxes)
        logits = self.model.apply(params, crops.reshape(-1, *crops.shape[2:]))
        return logits.reshape(*boxes.shape[:2], -1)

    def loss(self, *, count: int, objects: int) -> LossFn:
        """Cross-entropy in nats of some proposals of each scene, drawn anew each time: so many, on objects at most so
        many of them. The boxes of the objects are among the proposals. Girshick et al. 2014, section 2.3.
        """

        def draw(scene: Batch, key: Key[Array, ""]) -> tuple[Array, Array, Array]:
            boxes = jnp.concatenate([scene["proposal"], scene["box"]])
            labels = label_regions(boxes, scene["box"], scene["label"], background=self.classes)
            places, drawn = sample_regions(key, labels, count=count, objects=objects, background=self.classes)
            return boxes[places], jnp.maximum(labels[places], 0), drawn

        def weigh(logits: Array, labels: Array, drawn: Array) -> tuple[Array, dict[str, Ratio]]:
            losses, metrics = classification_losses(logits, labels, loss="cross_entropy")
            weights = drawn.astype(logits.dtype)
            number = weights.sum()
            error = Ratio(jnp.sum(weights * metrics["error"]), number)
            return jnp.sum(weights * losses) / jnp.maximum(number, 1), {"error": error}

        def loss_fn(params, batch, keys):
            boxes, labels, drawn = jax.vmap(draw)(batch, keys)
            return jax.vmap(weigh)(self.says(params, batch["image"], boxes), labels, drawn)

        return loss_fn

    def finds(self, objective: DetectionObjective, params: Params, scenes: Batch) -> Detections:
        """The best proposals of each scene, by the probabilities of their classes, overlaps suppressed in each class.

        Girshick et al. 2014, section 2.2.
        """

        def of_scene(scene: tuple[Array, Array]) -> Detections:
            image, boxes = scene
            probabilities = jax.nn.softmax(self.says(params, image[None], boxes[None])[0])[:, :-1]
            return objective.keep(boxes, jnp.where(there(boxes)[:, None], probabilities, -jnp.inf))

        return jax.lax.map(of_scene, (scenes["image"], scenes["proposal"]), batch_size=SEEN_AT_ONCE)
