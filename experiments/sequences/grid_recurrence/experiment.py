"""Grid recurrence: where one comes in a maze by going right and down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Ge, Gt, Le

from experiments.datasets import Dataset
from experiments.datasets.generated_structures import maze_cells, mazes, reached
from experiments.networks.training import without_noise
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.grid_recurrence.card import CARD
from experiments.sequences.grid_recurrence.figures import ways
from models.structured_recurrence import GridNet
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

LARGER, LARGE_GRIDS, SHOWN = 3, 64, 3


@dataclass(frozen=True, kw_only=True)
class GridRecurrenceSettings(Settings):
    """Ways through mazes."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64)
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, clip_norm=1.0)
    cell: Literal["rnn", "lstm", "gru", "mgu"] = "gru"
    """what is repeated over the grid"""
    units: Count = 16
    """width of its state"""
    size: Annotated[int, Ge(2)] = 8
    """rows and columns; the test has grids of three times as many besides"""
    free: Annotated[float, Gt(0), Le(1)] = 0.75
    """probability that a cell is free"""
    examples: Annotated[int, Ge(8)] = 4000
    """training grids"""


def network(settings: GridRecurrenceSettings, dataset: Dataset) -> GridNet:
    """Cells → a logit at each, of whether a way leads there."""
    return GridNet(settings.cell, settings.units)


def reaching_loss(apply: Callable) -> LossFn:
    """The mean cross-entropy of a grid's cells, and the share of cells that are wrong."""

    def loss_fn(params, batch, keys):
        logits = apply(keys, params, batch["free"][..., None])
        losses = optax.sigmoid_binary_cross_entropy(logits, batch["reached"]).mean(axis=(1, 2))
        wrong = (logits > 0) != (batch["reached"] > 0.5)
        return losses, {"error": 100 * wrong.mean(axis=(1, 2), dtype=losses.dtype)}

    return loss_fn


def task(settings: GridRecurrenceSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["free"])[..., None]
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = reaching_loss(without_noise(model.apply))
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: GridRecurrenceSettings, dataset: Dataset) -> LossFn:
    """The same loss."""
    return reaching_loss(without_noise(network(settings, dataset).apply))


def larger_grids(settings: GridRecurrenceSettings) -> dict[str, np.ndarray]:
    """Grids of three times the rows and columns, none of which are trained on."""
    cells = maze_cells(3, LARGER * settings.size, free=settings.free, count=LARGE_GRIDS)
    return {"free": cells.astype(np.float32), "reached": reached(cells).astype(np.float32)}


def evaluate_larger(settings: GridRecurrenceSettings, dataset: Dataset) -> WholeSet:
    """The share of wrong cells of larger grids."""
    loss_fn = monitor(settings, dataset)

    def measure(params, grids, key):
        _, metrics = loss_fn(params, grids, jax.random.split(key, LARGE_GRIDS))
        return {"larger_error": metrics["error"].mean()}

    return WholeSet(larger_grids(settings), measure)


def figures(settings: GridRecurrenceSettings, dataset: Dataset, params: Params) -> dict:
    """Larger grids, and where the network says that a way leads."""
    model = network(settings, dataset)
    grids = {name: array[:SHOWN] for name, array in larger_grids(settings).items()}
    logits = jax.jit(model.apply)(params, jnp.asarray(grids["free"])[..., None])
    return {"mazes": ways(grids["free"], grids["reached"], np.asarray(jax.nn.sigmoid(logits)))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=GridRecurrenceSettings,
    data=lambda settings: mazes(settings.size, free=settings.free, examples=settings.examples),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_larger,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "larger_error": "%"},
    network=network,
    inputs=lambda settings, examples: examples["free"][..., None],
)
