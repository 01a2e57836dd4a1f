"""Anchors: a few sizes that stand for all boxes of a training set, by k-means under 1 − IoU, and by hand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt, Lt
from jaxtyping import Array, Bool, Float, Int

from experiments.datasets import DataError, Dataset
from experiments.datasets.generated import generated
from experiments.datasets.settings import SceneData
from experiments.numerals import counted
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.vision.anchors.card import CARD
from experiments.vision.anchors.figures import overlap_by_count, sizes_and_anchors, suppressed
from models.layers.anchors import best_overlap, first_anchors, move_anchors
from models.layers.boxes import intersection_over_union
from models.layers.suppression import suppress_overlaps
from train.task import LossFn, Params, State, Stream, Task, initial_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 16
CLUTTER = 12
"""Boxes that are drawn about each object to show what suppression leaves."""


@dataclass(frozen=True, kw_only=True)
class AnchorsSettings(Settings):
    """Anchors of all numbers, from boxes that are drawn."""

    loop: Flat[LoopSettings] = LoopSettings(steps=30, batch_size=1, chunk=5, evaluate_every=5, save_every=30)
    scenes: Flat[SceneData] = SceneData()
    most_anchors: Annotated[int, Gt(0), Lt(MOST + 1)] = 9
    """anchors in the largest set; there is one of each number up to it"""

    def idle(self) -> dict[str, str]:
        """All boxes are seen in every round."""
        return super().idle() | {"batch_size": "where each round sees the whole training set"}

    @property
    def counts(self) -> range:
        """How many anchors are in each set."""
        return range(1, self.most_anchors + 1)


def data(settings: AnchorsSettings) -> Dataset:
    """The sizes of all objects in scenes, "size" (width, height): one example a box, for training one with all."""
    scenes = settings.scenes.load()
    sizes = {split: sizes_of(scenes.whole(split)) for split in scenes.splits}
    for split, each in sizes.items():
        if len(each) < (needed := settings.most_anchors if split == "train" else 1):
            found, wanted = counted(len(each), "box"), counted(needed, "anchor")
            raise DataError(f"{scenes.name}: {found} of split {split} are too few for {wanted}; give --data-dir more")
    splits = {split: {"size": each[None] if split == "train" else each} for split, each in sizes.items()}
    return generated("sizes of boxes", f"{counted(len(sizes['train']), 'size')} of boxes in {scenes.protocol}", splits)


def sizes_of(scenes: dict[str, np.ndarray]) -> Float[np.ndarray, "boxes 2"]:
    """Of all objects in some scenes."""
    boxes = scenes["box"][(scenes["label"] >= 0) & ~scenes["crowd"]]
    return boxes[:, 2:] - boxes[:, :2]


def squares(sizes: Float[np.ndarray, "boxes 2"], count: int) -> Float[np.ndarray, "count 2"]:
    """Anchors by hand: squares whose sides divide the range of all boxes' sides geometrically into equal parts."""
    low, high = np.log(sizes.min()), np.log(sizes.max())
    sides = np.exp(low + (high - low) * (np.arange(count) + 0.5) / count)
    return np.stack([sides, sides], axis=1).astype(np.float32)


def task(settings: AnchorsSettings, dataset: Dataset) -> Task:
    """A step is a round of k-means, for each number of anchors by itself."""
    sizes = jnp.asarray(dataset.splits["train"]["size"][0])

    def init(key) -> State:
        drawing = jax.random.fold_in(key, Stream.INIT)
        first = {str(k): first_anchors(jax.random.fold_in(drawing, k), sizes, count=k) for k in settings.counts}
        return initial_state(key, first, ())

    def step(state: State, batch):
        moved = {name: move_anchors(batch["size"][0], anchors) for name, anchors in state.params.items()}
        overlap = best_overlap(batch["size"][0], moved[str(settings.most_anchors)]).mean()
        return state._replace(step=state.step + 1, params=moved), {"loss": 1 - overlap}

    return Task(init, step)


def monitor(settings: AnchorsSettings, dataset: Dataset) -> LossFn:
    """Of a box, or of an example's boxes the mean: 1 − IoU with the best of the largest set; the IoU with the best of
    each set, by clusters and by hand.
    """
    by_hand = {k: squares(dataset.splits["train"]["size"][0], k) for k in settings.counts}

    def loss_fn(params, batch, keys):
        sizes = batch["size"].reshape(-1, 2)

        def overlap(anchors: Float[Array, "anchors 2"]) -> Float[Array, " batch"]:
            return 100 * best_overlap(sizes, anchors).reshape(len(batch["size"]), -1).mean(axis=1)

        metrics = {f"clusters_{k}/iou": overlap(params[str(k)]) for k in settings.counts}
        metrics |= {f"squares_{k}/iou": overlap(jnp.asarray(by_hand[k])) for k in settings.counts}
        return 1 - metrics[f"clusters_{settings.most_anchors}/iou"] / 100, metrics

    return loss_fn


def figures(settings: AnchorsSettings, dataset: Dataset, params: Params) -> dict:
    """Mean IoU by the number of anchors, the largest set over the sizes, and boxes before suppression and after."""
    sizes = dataset.whole("test")["size"]
    _, metrics = jax.jit(monitor(settings, dataset))(params, {"size": jnp.asarray(sizes)}, None)
    means = jax.tree.map(lambda values: float(values.mean()), metrics)
    curves = {kind: [means[f"{kind}_{k}/iou"] for k in settings.counts] for kind in ("clusters", "squares")}
    largest = str(settings.most_anchors)
    by_hand = squares(dataset.splits["train"]["size"][0], settings.most_anchors)
    return {
        "overlap_by_count": overlap_by_count(list(settings.counts), curves),
        "sizes": sizes_and_anchors(sizes, np.asarray(params[largest]), by_hand),
        "suppression": suppression(settings),
    }


def suppression(settings: AnchorsSettings) -> "Figure":
    """Boxes drawn about the objects of a few scenes, a score for each that is its IoU, and which of them stay."""
    scenes = settings.scenes.load().head("test", 3)
    generator = np.random.Generator(np.random.Philox(settings.seeds.seed))
    there = np.repeat(scenes["label"] >= 0, CLUTTER, axis=1)
    boxes = np.repeat(scenes["box"], CLUTTER, axis=1)
    sides = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    boxes = (boxes + 0.1 * sides * generator.standard_normal(boxes.shape)).astype(np.float32)
    objects = np.repeat(scenes["box"], CLUTTER, axis=1)
    scores, kept = (np.asarray(each) for each in scored_and_kept(boxes, objects, there))
    return suppressed(scenes["image"], boxes, scores, kept)


@jax.jit
@jax.vmap
def scored_and_kept(
    boxes: Float[Array, "boxes 4"], objects: Float[Array, "boxes 4"], there: Bool[Array, " boxes"]
) -> tuple[Float[Array, " boxes"], Int[Array, " keep"]]:
    """Of one scene the IoU of each box with its object, and the places of those that stay."""
    scores = jnp.where(there, jax.vmap(intersection_over_union)(boxes, objects), -jnp.inf)
    return scores, suppress_overlaps(boxes, scores, keep=8, threshold=0.4)


EXPERIMENT = Experiment(
    card=CARD,
    settings=AnchorsSettings,
    data=data,
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": ""} | {f"{kind}_{k}/iou": "%" for kind in ("clusters", "squares") for k in range(1, MOST + 1)},
)
