"""Regions proposed by selective search and classified one by one, beside a detector that sees the picture once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.datasets.generated_scenes import SHAPE_CLASSES
from experiments.datasets.settings import SceneData
from experiments.networks.convolutional import PatternNetwork
from experiments.networks.feature_pyramid import Detector, Form, PyramidNetwork
from experiments.objectives.detection import DetectionObjective, truth_of
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.vision.region_proposals.card import CARD
from experiments.vision.region_proposals.figures import found_by_both, hierarchies, recall_curves
from experiments.vision.region_proposals.proposals import SelectiveSearch, windows_for
from experiments.vision.region_proposals.regions import RegionClassifier
from losses.metrics.detection import Detections, detection_average_precision, mean_average_precision
from losses.metrics.proposals import overlap_by_count, recall_by_count
from models.convnets.volumes import volumes
from models.cost import network_cost
from train.evaluation import WholeSet, whole_set_key
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import Batch, LossFn, Params, Task

SHOWN = 6
FEW = 10
"""Proposals of which the recall is told beside that of all."""
THRESHOLDS = (0.5, 0.7)
"""IoU of figures of recall."""


@dataclass(frozen=True, kw_only=True)
class RegionProposalsSettings(Settings):
    """Regions and a classifier, beside a single shot."""

    loop: Flat[LoopSettings] = LoopSettings(steps=800, batch_size=8, chunk=50, evaluate_every=200, save_every=400)
    scenes: Flat[SceneData] = SceneData(scenes=1000, held_out=100, channels=3, most_side=36.0)
    search: Flat[SelectiveSearch] = SelectiveSearch()
    objective: Flat[DetectionObjective] = DetectionObjective()
    architecture: Flat[PatternNetwork] = PatternNetwork(
        pattern="CONV 16 → RELU → POOL → CONV 32 → RELU → POOL → FC 64 → RELU → FC"
    )
    network: Flat[PyramidNetwork] = PyramidNetwork(canonical_side=12.0)
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3, schedule="cosine", warmup_steps=50)
    single_shot: Form = "feature_pyramid"
    """the detector that sees a picture once"""
    crop: Annotated[int, Ge(4)] = 16
    """pixels a side to which a region is stretched"""
    context: NotNegative = 0.08
    """margin around a region, as a part of its sides"""
    sampled: Annotated[int, Ge(2)] = 16
    """regions of a scene that are seen in a step"""
    on_objects: Count = 4
    """of these at most so many on objects"""

    def __post_init__(self):
        super().__post_init__()
        self.network.check(self.scenes.image_size)
        if self.architecture.normalizes:
            raise ValueError("--pattern with BN: the classifier here has no running statistics, leave it out")
        if not self.on_objects < self.sampled <= self.search.proposals:
            raise ValueError(
                f"--on-objects {self.on_objects} must be less than --sampled {self.sampled}, and that no more than "
                f"--proposals {self.search.proposals}"
            )
        volumes(self.architecture.layers(), (self.crop, self.crop, self.scenes.channels), classes=len(SHAPE_CLASSES))


def data(settings: RegionProposalsSettings) -> Dataset:
    """Scenes with boxes and labels, and the proposals of each."""
    return settings.search.add_to(settings.scenes.load_boxes())


def region_classifier(settings: RegionProposalsSettings, dataset: Dataset) -> RegionClassifier:
    """The classifier of regions."""
    model = settings.architecture.classifier(dataset.classes + 1, settings.loop.batch_size)
    return RegionClassifier(model, dataset.classes, settings.crop, settings.context)


def detector(settings: RegionProposalsSettings, dataset: Dataset) -> Detector:
    """The single shot."""
    return settings.network.detector(settings.single_shot, dataset.classes, dataset.image_shape[:2])


def losses(settings: RegionProposalsSettings, dataset: Dataset) -> dict[str, LossFn]:
    """Of both."""
    return {
        "regions": region_classifier(settings, dataset).loss(count=settings.sampled, objects=settings.on_objects),
        "single_shot": detector(settings, dataset).loss(settings.objective, extent=float(dataset.image_shape[0])),
    }


def task(settings: RegionProposalsSettings, dataset: Dataset) -> Task:
    """Both side by side, of the same scenes."""
    image = jax.device_put(dataset.example()["image"])
    crops = jnp.zeros((1, settings.crop, settings.crop, image.shape[-1]))
    first: dict[str, Callable[[Array], Params]] = {
        "regions": lambda key: region_classifier(settings, dataset).model.init(key, crops),
        "single_shot": lambda key: detector(settings, dataset).model.init(key, image),
    }
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return side_by_side(
        {name: Learner(loss, first[name], optimizer) for name, loss in losses(settings, dataset).items()}
    )


def monitor(settings: RegionProposalsSettings, dataset: Dataset) -> LossFn:
    """The loss of the classifier of regions and its error, of regions that are drawn; the loss of the single shot."""
    of = losses(settings, dataset)

    def loss_fn(params, batch, keys):
        loss, metrics = of["regions"](params["regions"], batch, keys)
        return loss, {
            "regions/error": metrics["error"],
            "single_shot/loss": of["single_shot"](params["single_shot"], batch, keys)[0],
        }

    return loss_fn


def both_find(
    settings: RegionProposalsSettings, dataset: Dataset, params: Params, scenes: Batch
) -> dict[str, Detections]:
    """What either finds in scenes."""
    return {
        "regions": region_classifier(settings, dataset).finds(settings.objective, params["regions"], scenes),
        "single_shot": detector(settings, dataset).finds(settings.objective, params["single_shot"], scenes["image"]),
    }


def overlaps(
    settings: RegionProposalsSettings, scenes: Batch, key: Array
) -> dict[str, Float[Array, "images proposals objects"]]:
    """The greatest IoU of each object with the first n proposals, and with as many sliding windows as there are, in an
    order that is drawn for each image.
    """
    image = scenes["image"].shape[1:3]
    windows = jnp.asarray(windows_for(image, least=settings.scenes.least_side, most=settings.scenes.most_side))

    def of_windows(given: tuple[Array, Array]) -> Array:
        boxes, key = given
        return overlap_by_count(jax.random.permutation(key, windows), boxes)

    keys = jax.random.split(key, len(scenes["box"]))
    return {
        "selective_search": jax.vmap(overlap_by_count)(scenes["proposal"], scenes["box"]),
        "sliding_windows": jax.lax.map(of_windows, (scenes["box"], keys)),
    }


def costs(settings: RegionProposalsSettings, dataset: Dataset) -> dict[str, int]:
    """FLOPs of one image: of as many proposals as are kept at most, their search left out, and of a single shot."""
    crops = (settings.search.proposals, settings.crop, settings.crop, dataset.image_shape[-1])
    return {
        "regions": network_cost(region_classifier(settings, dataset).model, crops).flops,
        "single_shot": network_cost(detector(settings, dataset).model, (1, *dataset.image_shape)).flops,
    }


def evaluate_whole(settings: RegionProposalsSettings, dataset: Dataset) -> WholeSet:
    """Average precision of either over the test split; recall and best overlap of proposals, and of as many windows."""
    cost = costs(settings, dataset)

    def measure(params, scenes, key):
        found, truth = both_find(settings, dataset, params, scenes), truth_of(scenes)
        measured = {}

        def precision(detections: Detections) -> Array:
            return 100 * detection_average_precision(detections, truth, classes=dataset.classes)

        stacked = jax.lax.map(precision, jax.tree.map(lambda *leaves: jnp.stack(leaves), *found.values()))
        for name, each in zip(found, stacked, strict=True):
            measured |= {
                f"{name}/ap": mean_average_precision(each),
                f"{name}/ap50": mean_average_precision(each[:, :1]),
            }
        there, last = (scenes["label"] >= 0).astype(jnp.float32), settings.search.proposals - 1
        for name, each in overlaps(settings, scenes, key).items():
            recall = 100 * recall_by_count(each, there)
            best = jnp.sum(each[:, last] * there) / there.sum()
            measured |= {
                f"{name}/recall_few": recall[min(FEW, last + 1) - 1],
                f"{name}/recall": recall[last],
                f"{name}/overlap": 100 * best,
            }
        kept = jnp.sum(scenes["proposal"][..., 2] > 0, dtype=jnp.float32) / len(there)
        flops = {f"{name}/flops": jnp.asarray(each, jnp.float32) for name, each in cost.items()}
        return measured | flops | {"selective_search/proposals": kept}

    return WholeSet(dataset.whole("test"), measure)


def figures(settings: RegionProposalsSettings, dataset: Dataset, params: Params) -> dict:
    """Recall by the number of proposals, regions as they are merged, and boxes that either finds."""
    scenes = dataset.whole("test")
    shown = {name: each[:SHOWN] for name, each in scenes.items()}

    @jax.jit
    def seen(params: Params, scenes: Batch, shown: Batch) -> tuple[dict[str, Detections], dict[str, list[Array]]]:
        there = (scenes["label"] >= 0).astype(jnp.float32)
        key = whole_set_key(jax.random.key(settings.seeds.seed))
        recall = {
            name: [100 * recall_by_count(each, there, threshold=threshold) for threshold in THRESHOLDS]
            for name, each in overlaps(settings, scenes, key).items()
        }
        return both_find(settings, dataset, params, shown), recall

    found, recall = jax.device_get(seen(params, scenes, shown))
    return {
        "recall": recall_curves(recall, THRESHOLDS),
        "hierarchy": hierarchies(settings.search, shown["image"]),
        "found": found_by_both(shown, found, dataset.class_names),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=RegionProposalsSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats per region", "regions/error": "%", "single_shot/loss": ""}
    | {f"{name}/{measure}": "%" for name in ("regions", "single_shot") for measure in ("ap", "ap50")}
    | {
        f"{name}/{measure}": "%"
        for name in ("selective_search", "sliding_windows")
        for measure in ("recall_few", "recall", "overlap")
    }
    | {"regions/flops": "FLOP", "single_shot/flops": "FLOP", "selective_search/proposals": "boxes an image"},
)
