"""Generated scenes as images whose every pixel has a class."""

from dataclasses import dataclass
from typing import Annotated

import jax
import numpy as np
from annotated_types import Ge
from jaxtyping import Float, Int

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated
from experiments.datasets.generated_scenes import SHAPE_CLASSES, Scene, draw_scene, shape_scenes
from losses.segmentation import IGNORED, border_weights
from train.optimizers import Fraction, NotNegative

CLASSES = ("background", *SHAPE_CLASSES)
TIMES = 3
"""How many times as wide a scene is that windows are cut from."""


@dataclass(frozen=True, kw_only=True)
class PixelData:
    """Which scenes."""

    scenes: Annotated[int, Ge(1)] = 3000
    """training scenes"""
    held_out: Annotated[int, Ge(1)] = 100
    """scenes for validation; for the test there are twice as many"""
    side: Annotated[int, Ge(8)] = 32
    """pixels of a side"""
    objects: Annotated[int, Ge(2)] = 2
    """shapes in a scene at most"""
    least_side: Annotated[float, Ge(3)] = 14.0
    """geometric mean of a shape's sides in pixels, of the least shape"""
    most_side: Annotated[float, Ge(3)] = 24.0
    """the same of the largest, which is no larger than the scene"""
    noise: NotNegative = 0.03
    """standard deviation of the noise of every value"""
    windows: Fraction = 0.0
    """share of the training scenes that are windows of scenes three times as wide, whose shapes reach beyond"""
    unlabelled: Fraction = 0.0
    """a square in the middle of training scenes has no labels: this share of each side; its pixels are to be ignored"""

    def __post_init__(self):
        if self.least_side > min(self.most_side, self.side):
            limits = f"--most-side {self.most_side:g} and --side {self.side}"
            raise ValueError(f"--least-side {self.least_side:g} must be at most {limits}")

    def load(self) -> Dataset:
        """Examples of "image" [side, side, 1], "labels" [side, side] and "instance", which shape a pixel shows."""
        drawn = shape_scenes(
            examples=self.scenes,
            held_out=self.held_out,
            size=self.side,
            objects=self.objects,
            least=self.least_side,
            most=min(self.most_side, self.side),
            noise=self.noise,
        )
        splits = {
            split: {"image": each["image"], "labels": each["mask"].copy(), "instance": each["instance"]}
            for split, each in drawn.splits.items()
        }
        if cut := round(self.windows * self.scenes):
            windows = self._cut_windows(cut)
            splits["train"] = {
                name: np.concatenate([windows[name], each[cut:]]) for name, each in splits["train"].items()
            }
        hidden = round(self.side * self.unlabelled)
        middle = slice((self.side - hidden) // 2, (self.side + hidden) // 2)
        splits["train"]["labels"][:, middle, middle] = IGNORED[1]
        notes = f", {cut} for training are windows of larger ones" if cut else ""
        notes += f", a square of {hidden} a side unlabelled in training" if hidden else ""
        dataset = generated("scenes", drawn.protocol + notes, splits, classes=len(CLASSES))
        return dataset._replace(class_names=CLASSES)

    def large(self, times: int) -> dict[str, np.ndarray]:
        """A scene so many times as wide, of as large shapes, as no split has it."""
        scene = self._draw_large(np.random.Generator(np.random.Philox(99)), times)
        return {"image": scene.image, "labels": scene.mask}

    def _draw_large(self, generator: np.random.Generator, times: int) -> Scene:
        return draw_scene(
            generator,
            size=times * self.side,
            channels=1,
            objects=self.objects * times**2,
            sides=(self.least_side, self.most_side),
            noise=self.noise,
        )

    def _cut_windows(self, count: int) -> dict[str, np.ndarray]:
        """So many windows, all of each larger scene side by side."""
        generator = np.random.Generator(np.random.Philox(3))
        scenes = [self._draw_large(generator, TIMES) for _ in range(-(-count // TIMES**2))]

        def windows(maps: np.ndarray) -> np.ndarray:
            parts = maps.reshape(len(scenes), TIMES, self.side, TIMES, self.side, *maps.shape[3:])
            return parts.swapaxes(2, 3).reshape(-1, self.side, self.side, *maps.shape[3:])[:count]

        names = {"image": "image", "labels": "mask", "instance": "instance"}
        return {name: windows(np.stack([getattr(scene, of) for scene in scenes])) for name, of in names.items()}


def with_border_weights(dataset: Dataset, *, weight: float, width: float) -> Dataset:
    """The data set whose training examples also have "weights": 1, and more between two shapes."""
    instances = dataset.splits["train"]["instance"]
    most = max(2, int(instances.max()))

    @jax.jit
    def weights(instance: Int[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        masks = instance[None] == 1 + np.arange(most)[:, None, None]
        return 1 + border_weights(masks, weight=weight, width=width)

    weighed = np.stack([np.asarray(weights(instance)) for instance in instances])
    train = dataset.splits["train"] | {"weights": weighed}
    return dataset._replace(splits=dataset.splits | {"train": train})
