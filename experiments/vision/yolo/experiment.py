"""YOLOv3: boxes and classes of all objects in one pass, from three maps of a pyramid."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float

from experiments.datasets import DataError, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.settings import SceneData
from experiments.networks.convolutional import Normalization
from experiments.numerals import counted
from experiments.objectives.detection import DetectionObjective, prediction_of, truth_of
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.vision.yolo.card import CARD
from experiments.vision.yolo.figures import found_boxes, objectness_maps, precision_by_threshold
from losses.detection import Prediction
from losses.metrics.detection import EVERY_TWENTIETH, Detections, detection_average_precision, mean_average_precision
from models.batch_norm import COLLECTION
from models.layers.anchors import fit_anchors
from models.layers.yolo import Slots, make_slots
from models.yolo import ANCHORS, SCALES, YOLOv3
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.statistics import moving_average
from train.task import Batch, LossFn, Params, Task, supervised

MEASURED_AT_ONCE = 50
SHOWN = 6
PRIOR = 0.01
"""Objectness before training: about as many slots have an object. Lin et al. 2017, section 4.1."""


@dataclass(frozen=True, kw_only=True)
class YOLOSettings(Settings):
    """YOLOv3, slim or in full."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=16, evaluate_every=250, save_every=1000)
    scenes: Flat[SceneData] = SceneData(scenes=4000)
    objective: Flat[DetectionObjective] = DetectionObjective()
    optimization: Flat[Optimization] = Optimization(learning_rate=4e-3, schedule="cosine")
    normalization: Flat[Normalization] = Normalization()
    widths: tuple[Count, ...] = (8, 16, 32, 64, 64)
    """features of the first convolution and of each stage, these even; YOLOv3's are 32 64 128 256 512 1024"""
    blocks: tuple[Annotated[int, Ge(0)], ...] = (0, 1, 1, 1)
    """residual blocks of each stage, of which there are three or more; YOLOv3's are 1 2 8 8 4"""
    head: Count = 3
    """convolutions with which a head begins, an odd number; YOLOv3's has 5"""

    def __post_init__(self):
        super().__post_init__()
        self.normalization.check(batch_size=self.loop.batch_size, parts=self.parts)
        if len(self.blocks) < SCALES or len(self.widths) != len(self.blocks) + 1 or any(w % 2 for w in self.widths[1:]):
            raise ValueError(
                f"--blocks {self.blocks} and --widths {self.widths}: there must be {SCALES} stages or more, and one "
                "width more than stages, even after the first"
            )
        if self.head % 2 == 0:
            raise ValueError(f"--head {self.head} must be odd: a head begins and ends with a narrow convolution")
        if self.scenes.image_size % 2 ** len(self.blocks):
            raise ValueError(
                f"--image-size {self.scenes.image_size} must be a multiple of {2 ** len(self.blocks)}, as each of the "
                f"{len(self.blocks)} stages of --blocks halves it"
            )


def data(settings: YOLOSettings) -> Dataset:
    """Scenes, and as context the anchors that k-means finds for the training boxes, those of the coarsest map first.

    They are rounded to tenths of a pixel, one at least, so that all machines have the same.
    """
    scenes = settings.scenes.load_boxes()
    train = scenes.whole("train")
    boxes = train["box"][(train["label"] >= 0) & ~train["crowd"]]
    if len(boxes) < SCALES * ANCHORS:
        found, wanted = counted(len(boxes), "box"), counted(SCALES * ANCHORS, "anchor")
        raise DataError(f"{scenes.name}: {found} to train on are too few for {wanted}; give --data-dir more")
    fit = jax.jit(lambda sizes: fit_anchors(jax.random.key(0), sizes, count=SCALES * ANCHORS))
    sizes = np.maximum(np.round(np.asarray(fit(boxes[:, 2:] - boxes[:, :2])), 1), 0.1)
    anchors = sizes.reshape(SCALES, ANCHORS, 2)[::-1]
    context = {"anchors": np.ascontiguousarray(anchors)}
    return scenes._replace(context=context, fingerprint=fingerprint(scenes.splits, context))


def network(settings: YOLOSettings, dataset: Dataset) -> YOLOv3:
    """The detector."""
    group = settings.normalization.group or settings.loop.batch_size
    return YOLOv3(dataset.classes, settings.widths, settings.blocks, group, settings.head, PRIOR)


def slots_of(settings: YOLOSettings, dataset: Dataset) -> Slots:
    """The places of all boxes that it can say."""
    model, size = network(settings, dataset), dataset.image_shape[:2]
    return make_slots(jnp.asarray(dataset.context["anchors"]), image=size, strides=model.strides)


def task(settings: YOLOSettings, dataset: Dataset) -> Task:
    """Descent on the loss of all slots; running statistics follow those of the batches."""
    model, slots, example = network(settings, dataset), slots_of(settings, dataset), dataset.example()["image"]

    def loss_fn(params, batch, keys):
        maps, observed = model.apply(params, batch["image"], training=True, mutable=[COLLECTION])
        parts = settings.objective.losses(prediction_of(maps), batch, slots, extent=float(dataset.image_shape[0]))
        return sum(parts), parts._asdict(), observed[COLLECTION]

    follow = moving_average(COLLECTION, settings.normalization.statistics_decay)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, jnp.asarray(example)), optimizer, follow)


def predictor(settings: YOLOSettings, dataset: Dataset) -> Callable[[Params, Array], Prediction]:
    """What it says of images, each normalised by the running statistics."""
    model = network(settings, dataset)
    return lambda params, images: prediction_of(model.apply(params, images))


def monitor(settings: YOLOSettings, dataset: Dataset) -> LossFn:
    """The loss and its parts."""
    predict, slots = predictor(settings, dataset), slots_of(settings, dataset)

    def loss_fn(params, batch, keys):
        said = predict(params, batch["image"])
        parts = settings.objective.losses(said, batch, slots, extent=float(dataset.image_shape[0]))
        return sum(parts), parts._asdict()

    return loss_fn


def detector(settings: YOLOSettings, dataset: Dataset) -> Callable[[Params, Array], Detections]:
    """The function ``(params, images) → detections``, a few images at a time."""
    predict, slots = predictor(settings, dataset), slots_of(settings, dataset)

    def detect(params: Params, images: Float[Array, "images height width channels"]) -> Detections:
        count, most = len(images), max(1, min(MEASURED_AT_ONCE, len(images)))
        filled = jnp.pad(images, [(0, -count % most), (0, 0), (0, 0), (0, 0)])
        batches = filled.reshape(len(filled) // most, most, *images.shape[1:])
        found = jax.lax.map(lambda batch: settings.objective.detect(predict(params, batch), slots), batches)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:count], found)

    return detect


def precision_of(
    settings: YOLOSettings, dataset: Dataset, params: Params, scenes: Batch
) -> tuple[Detections, Float[Array, "classes thresholds"]]:
    """What is found in scenes, and the average precision in %, at IoU 0.5, 0.55 … 0.95."""
    found = detector(settings, dataset)(params, scenes["image"])
    return found, 100 * detection_average_precision(found, truth_of(scenes), classes=dataset.classes)


def evaluate_whole(settings: YOLOSettings, dataset: Dataset) -> WholeSet:
    """Average precision over the test split: AP over IoU 0.5 to 0.95, AP50, and AP50 of each class that is there."""
    test = dataset.whole("test")
    objects = test["label"][~test["crowd"]]
    there = {name: i for i, name in enumerate(dataset.class_names) if i in objects}

    def measure(params, scenes, key):
        _, precision = precision_of(settings, dataset, params, scenes)
        measured = {"ap": mean_average_precision(precision), "ap50": mean_average_precision(precision[:, :1])}
        return measured | {f"{name}/ap50": precision[i, 0] for name, i in there.items()}

    return WholeSet(test, measure)


def figures(settings: YOLOSettings, dataset: Dataset, params: Params) -> dict:
    """Boxes on pictures, where the maps see something, and average precision by the IoU that is asked for."""
    model, scenes = network(settings, dataset), dataset.whole("test")
    shown = {name: array[:SHOWN] for name, array in scenes.items()}

    @jax.jit
    def seen(params: Params, scenes: Batch, images: Array) -> tuple[Detections, Array, list[Array]]:
        found, precision = precision_of(settings, dataset, params, scenes)
        objectness = [jax.nn.sigmoid(said[..., 4]).max(axis=-1) for said in model.apply(params, images)]
        return jax.tree.map(lambda leaf: leaf[:SHOWN], found), precision, objectness

    found, precision, maps = jax.device_get(seen(params, scenes, shown["image"]))
    names = dataset.class_names
    return {
        "found": found_boxes(shown["image"], shown["box"], shown["label"], found, names),
        "maps": objectness_maps(shown["image"], dict(zip(model.strides, maps, strict=True))),
        "precision": precision_by_threshold(
            EVERY_TWENTIETH, precision, names, ap50=float(mean_average_precision(jnp.asarray(precision[:, :1])))
        ),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=YOLOSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={
        "loss": "",
        "localization": "",
        "objectness": "",
        "classification": "",
        "ap": "%",
        "ap50": "%",
    },
    network=network,
    detector=detector,
)
