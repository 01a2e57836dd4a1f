"""Detectors of objects of all sizes, by the form in which they see scales: network, slots, and who is told what."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from experiments.objectives.detection import DetectionObjective, prediction_of
from experiments.run.settings import Count
from losses.detection import Prediction
from losses.metrics.detection import Detections
from models.feature_pyramids import FINEST, ImagePyramid, SingleMap, StagePyramid
from models.layers.pyramid import assign_by_level, level_areas
from models.layers.yolo import Assignment, Slots, make_slots
from train.optimizers import Positive
from train.task import LossFn, Params

Form = Literal["image_pyramid", "single_map", "hierarchy", "feature_pyramid"]
SIZES = ("small", "middle", "large")
"""What boxes of each level are called, the finest first."""
COARSEST = FINEST + len(SIZES) - 1
SEEN_AT_ONCE = 25


class Detector(NamedTuple):
    """A network, the places of all boxes that it can say, and which of them is told of which object."""

    model: nn.Module
    slots: Slots
    assigned: Callable[..., Assignment]

    def says(self, params: Params, images: Float[Array, "images height width channels"]) -> Prediction:
        """All slots of each image."""
        return prediction_of(self.model.apply(params, images))

    def loss(self, objective: DetectionObjective, *, extent: float) -> LossFn:
        """The loss of each image, and its parts."""

        def loss_fn(params, batch, keys):
            said = self.says(params, batch["image"])
            parts = objective.losses(said, batch, self.slots, extent=extent, assigned=self.assigned)
            return sum(parts), parts._asdict()

        return loss_fn

    def finds(
        self, objective: DetectionObjective, params: Params, images: Float[Array, "images height width channels"]
    ) -> Detections:
        """The best boxes of each image, a few images at a time."""

        def of_one(image: Float[Array, "height width channels"]) -> Detections:
            found = objective.detect(self.says(params, image[None]), self.slots)
            return jax.tree.map(lambda leaf: leaf[0], found)

        return jax.lax.map(of_one, images, batch_size=SEEN_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class PyramidNetwork:
    """What the four forms have in common: a trunk of three stages, features of a map, and a head."""

    widths: tuple[Count, ...] = (8, 16, 32, 48)
    """features of the first convolution and of each of three stages"""
    features: Count = 24
    """of each map before the head, and of the head"""
    canonical_side: Positive = 8.0
    """root of the area in pixels from which on a box belongs to the middle level; from twice as many on to the coarsest
    """

    def __post_init__(self):
        if len(self.widths) != len(SIZES) + 1:
            raise ValueError(f"--widths {self.widths}: expected one of the first convolution and three of stages")

    def check(self, image_size: int) -> None:
        """``ValueError`` where images cannot be halved as often as a pyramid does."""
        if image_size % 2**COARSEST:
            raise ValueError(
                f"--image-size {image_size} must be a multiple of {2**COARSEST}, a cell of the coarsest map"
            )

    @property
    def areas(self) -> dict[str, tuple[float, float]]:
        """The least and the greatest area of boxes of each size: those of a level, the outer ones without a border."""
        levels = [
            level_areas(level, canonical=self.canonical_side, canonical_level=FINEST + 1)
            for level in range(FINEST, COARSEST + 1)
        ]
        low = [0.0, *(least for least, _ in levels[1:])]
        high = [float(np.nextafter(np.float32(least), np.float32(0))) for least in low[1:]]
        return dict(zip(SIZES, zip(low, [*high, float("inf")], strict=True), strict=True))

    def detector(self, form: Form, classes: int, image: tuple[int, int]) -> Detector:
        """The detector of a form, for images of (height, width) pixels.

        A level's anchor is the square of √2 times its least side.
        """
        options = {"classes": classes, "widths": self.widths, "features": self.features}
        models: dict[Form, nn.Module] = {
            "image_pyramid": ImagePyramid(**options),
            "single_map": SingleMap(**options, anchors=len(SIZES)),
            "hierarchy": StagePyramid(**options, merged=False),
            "feature_pyramid": StagePyramid(**options, merged=True),
        }
        sides = sqrt(2) * self.canonical_side * 2.0 ** np.arange(1, 1 - len(SIZES), -1)
        squares = jnp.asarray(np.stack([sides, sides], axis=1), jnp.float32)
        levels = range(COARSEST, FINEST - 1, -1)
        if form == "single_map":
            slots = make_slots(squares[None], image=image, strides=(2 ** (FINEST + 1),))
        else:
            slots = make_slots(squares[:, None], image=image, strides=[2**level for level in levels])
        assigned = partial(
            assign_by_level,
            finest=FINEST,
            coarsest=COARSEST,
            canonical=self.canonical_side,
            canonical_level=FINEST + 1,
        )
        return Detector(models[form], slots, assigned)
