"""Filters: what each layer of a convolutional network does to a picture, and what it learns of known filters."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from experiments.convnets.filters.card import CARD
from experiments.convnets.filters.figures import errors, kernels, layers
from experiments.convnets.filters.lessons import LESSONS, SIZE, Images, Lesson
from experiments.datasets import Dataset
from experiments.datasets.generated import white_noise
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Task, supervised
from train.trainable import Params

COSTS = {"parameters": "parameters", "multiply_adds": "multiply-adds"}


@dataclass(frozen=True, kw_only=True)
class FiltersSettings(Settings):
    """Layers that learn filters."""

    loop: Flat[LoopSettings] = LoopSettings(steps=600, batch_size=64, evaluate_every=25)
    optimization: Flat[Optimization] = Optimization(learning_rate=0.02, schedule="cosine")
    lessons: tuple[Literal[*LESSONS], ...] = tuple(LESSONS)
    """what to learn: a layer, and the filter that it is to become"""

    def __post_init__(self):
        super().__post_init__()
        if not self.lessons or len(set(self.lessons)) < len(self.lessons):
            raise ValueError(
                f"--lessons must name at least one, and none twice, got {' '.join(self.lessons) or 'none'}"
            )


def data(settings: FiltersSettings) -> Dataset:
    """White noise: a layer's expected error is its kernel's squared distance from the filter's."""
    return white_noise((SIZE, SIZE, 3))


def squared_error(lesson: Lesson, params: Params, images: Images) -> Float[Array, " batch"]:
    """Of an output, averaged over the outputs of an image."""
    squares = (lesson.layer(params, images) - lesson.filter(images)) ** 2
    return squares.reshape(len(images), -1).mean(axis=1)


def monitor(settings: FiltersSettings, dataset: Dataset) -> LossFn:
    """The error of each layer, and their mean: a parameter has a gradient from its own layer alone."""

    def loss_fn(params, batch, keys):
        each = {
            f"{name}/error": squared_error(LESSONS[name], params[name], batch["image"]) for name in settings.lessons
        }
        mean = jnp.mean(jnp.stack(list(each.values())), axis=0)
        return mean, each | {"error": mean}

    return loss_fn


def task(settings: FiltersSettings, dataset: Dataset) -> Task:
    """Descent of all layers on their errors, from small random weights."""

    def initial(key: Key[Array, ""]) -> Params:
        shapes = {name: dict(LESSONS[name].shapes) for name in settings.lessons}
        leaves, tree = jax.tree.flatten(shapes, is_leaf=lambda node: isinstance(node, tuple))
        keys = jax.random.split(key, len(leaves))
        return tree.unflatten([0.1 * jax.random.normal(*each) for each in zip(keys, leaves, strict=True)])

    return supervised(monitor(settings, dataset), initial, make_optimizer(settings.optimization, settings.loop.steps))


def distance(lesson: Lesson, params: Params) -> Float[Array, ""]:
    """‖w − w*‖/‖w*‖ of what is learnt from the best kernel."""
    return jnp.linalg.norm(lesson.kernel(params) - lesson.best) / np.linalg.norm(lesson.best)


def evaluate_whole(settings: FiltersSettings, dataset: Dataset) -> WholeSet:
    """How far every kernel lies from the best one, the error that the best one has, and costs by formula."""
    lessons = {name: LESSONS[name] for name in settings.lessons}
    known = {f"{name}/least_error": np.asarray(lesson.least_error, np.float32) for name, lesson in lessons.items()}
    for name, lesson in lessons.items():
        known |= {f"{name}/{what}": np.asarray(getattr(lesson.cost, what), np.int32) for what in COSTS}

    def measure(params, known, key):
        return known | {f"{name}/kernel_error": distance(lesson, params[name]) for name, lesson in lessons.items()}

    return WholeSet(known, measure)


def figures(settings: FiltersSettings, dataset: Dataset, params: Params) -> dict:
    """A picture in every layer with its cost, the learnt kernels under the best ones, errors beside the least ones."""
    _, metrics = jax.jit(monitor(settings, dataset))(params, dataset.whole("test"), None)
    reached = {name: float(metrics[f"{name}/error"].mean()) for name in settings.lessons}
    learnt = {name: np.asarray(LESSONS[name].kernel(params[name])) for name in settings.lessons}
    return {"layers": layers(), "kernels": kernels(learnt), "errors": errors(reached)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=FiltersSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="error",
    units={"error": "", "loss": ""}
    | {f"{name}/{error}": "" for name in LESSONS for error in ("error", "least_error", "kernel_error")}
    | {f"{name}/{what}": unit for name in LESSONS for what, unit in COSTS.items()},
)
