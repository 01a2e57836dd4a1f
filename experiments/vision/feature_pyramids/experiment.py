"""Objects of 4 to 40 pixels, seen in four ways: an image pyramid, a single map, a hierarchy and a feature pyramid."""

from dataclasses import dataclass
from typing import get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.datasets.generated_scenes import of_one_class
from experiments.datasets.settings import SceneData
from experiments.networks.feature_pyramid import SIZES, Detector, Form, PyramidNetwork
from experiments.objectives.detection import DetectionObjective, truth_of
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.vision.feature_pyramids.card import CARD
from experiments.vision.feature_pyramids.figures import found_by_forms, precision_and_cost, precision_table
from losses.metrics.detection import Detections, detection_average_precision, mean_average_precision
from models.cost import network_cost
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import Batch, LossFn, Params, Task

FORMS: tuple[Form, ...] = get_args(Form)
SHOWN = 5
MEASURES = {"ap": "%", "ap50": "%"} | {f"ap_{size}": "%" for size in SIZES}
COSTS = {"flops": "FLOP", "parameters": "parameters"}


@dataclass(frozen=True, kw_only=True)
class FeaturePyramidsSettings(Settings):
    """Four detectors."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000, batch_size=8, chunk=50, evaluate_every=200, save_every=500)
    scenes: Flat[SceneData] = SceneData(scenes=4000, objects=6, least_side=4.0, most_side=40.0)
    objective: Flat[DetectionObjective] = DetectionObjective()
    network: Flat[PyramidNetwork] = PyramidNetwork()
    optimization: Flat[Optimization] = Optimization(learning_rate=4e-3, schedule="cosine", warmup_steps=50)
    forms: tuple[Form, ...] = FORMS
    """which detectors"""

    def __post_init__(self):
        super().__post_init__()
        self.network.check(self.scenes.image_size)
        if not self.forms or len(set(self.forms)) < len(self.forms):
            raise ValueError(f"--forms must name at least one, and none twice, got {' '.join(self.forms) or 'none'}")


def data(settings: FeaturePyramidsSettings) -> Dataset:
    """Scenes and the boxes about their shapes, which are all of one class, so that nothing but their sizes differs."""
    return of_one_class(settings.scenes.load_boxes(), "shape")


def detectors(settings: FeaturePyramidsSettings, dataset: Dataset) -> dict[str, Detector]:
    """By the names of their forms."""
    image = dataset.image_shape[:2]
    return {form: settings.network.detector(form, dataset.classes, image) for form in settings.forms}


def losses(settings: FeaturePyramidsSettings, dataset: Dataset) -> dict[str, LossFn]:
    """By the names of their forms: the same loss of other slots."""
    extent = float(dataset.image_shape[0])
    return {form: each.loss(settings.objective, extent=extent) for form, each in detectors(settings, dataset).items()}


def task(settings: FeaturePyramidsSettings, dataset: Dataset) -> Task:
    """The detectors side by side."""
    example = jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    models = {form: each.model for form, each in detectors(settings, dataset).items()}
    return side_by_side(
        {
            form: Learner(loss_fn, lambda key, form=form: models[form].init(key, example), optimizer)
            for form, loss_fn in losses(settings, dataset).items()
        }
    )


def monitor(settings: FeaturePyramidsSettings, dataset: Dataset) -> LossFn:
    """The mean loss of the detectors, and the loss of each."""
    of_forms = losses(settings, dataset)

    def loss_fn(params, batch, keys):
        found = {form: loss_fn(params[form], batch, keys)[0] for form, loss_fn in of_forms.items()}
        mean = jnp.mean(jnp.stack(list(found.values())), axis=0)
        return mean, {f"{form}/loss": each for form, each in found.items()}

    return loss_fn


def precisions(
    settings: FeaturePyramidsSettings, dataset: Dataset, params: Params, scenes: Batch
) -> tuple[dict[str, Detections], dict[str, dict[str, Float[Array, ""]]]]:
    """By form what is found in scenes, and average precision in %: over IoU 0.5 to 0.95, at 0.5, and by objects' size.

    All forms are measured by one program, one after the other.
    """
    found = {
        form: each.finds(settings.objective, params[form], scenes["image"])
        for form, each in detectors(settings, dataset).items()
    }
    truth, areas = truth_of(scenes), {"all": (0.0, float("inf"))} | settings.network.areas

    def of_form(detections: Detections) -> dict[str, Array]:
        by_area = {
            name: 100 * detection_average_precision(detections, truth, classes=dataset.classes, areas=each)
            for name, each in areas.items()
        }
        measured = {"ap": by_area["all"], "ap50": by_area["all"][:, :1]}
        measured |= {f"ap_{size}": by_area[size] for size in SIZES}
        return {name: mean_average_precision(each) for name, each in measured.items()}

    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *found.values())
    measured = jax.lax.map(of_form, stacked)
    return found, {form: jax.tree.map(lambda leaf: leaf[i], measured) for i, form in enumerate(found)}


def costs(settings: FeaturePyramidsSettings, dataset: Dataset) -> dict[str, dict[str, int]]:
    """By form the parameters, and the FLOPs of all convolutions that one image takes."""
    found = {
        form: network_cost(each.model, (1, *dataset.image_shape)) for form, each in detectors(settings, dataset).items()
    }
    return {form: {"flops": each.flops, "parameters": each.parameters} for form, each in found.items()}


def evaluate_whole(settings: FeaturePyramidsSettings, dataset: Dataset) -> WholeSet:
    """Average precision of each form over the test split, and what each costs."""
    cost = costs(settings, dataset)

    def measure(params, scenes, key):
        _, measured = precisions(settings, dataset, params, scenes)
        return {
            f"{form}/{name}": jnp.asarray(value, jnp.float32)
            for form in settings.forms
            for name, value in (measured[form] | cost[form]).items()
        }

    return WholeSet(dataset.whole("test"), measure)


def figures(settings: FeaturePyramidsSettings, dataset: Dataset, params: Params) -> dict:
    """Precision of all forms in a table, beside what an image costs, and boxes that they find."""
    scenes = dataset.whole("test")

    @jax.jit
    def seen(params: Params, scenes: Batch) -> tuple[dict[str, Detections], dict[str, dict[str, Array]]]:
        found, measured = precisions(settings, dataset, params, scenes)
        return jax.tree.map(lambda leaf: leaf[:SHOWN], found), measured

    found, measured = jax.device_get(seen(params, scenes))
    shown, cost = {name: each[:SHOWN] for name, each in scenes.items()}, costs(settings, dataset)
    table = {form: measured[form] | cost[form] for form in settings.forms}
    return {
        "precision": precision_table(table, settings.network.areas),
        "cost": precision_and_cost(table),
        "found": found_by_forms(shown, {form: found[form] for form in settings.forms}),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=FeaturePyramidsSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": ""}
    | {f"{form}/{name}": unit for form in FORMS for name, unit in ({"loss": ""} | MEASURES | COSTS).items()},
)
