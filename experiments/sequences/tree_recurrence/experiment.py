"""Tree recurrence: the value of a Boolean expression, computed along its tree."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Ge

from experiments.datasets import Dataset
from experiments.datasets.generated_structures import KINDS, expressions
from experiments.networks.training import without_noise
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.tree_recurrence.card import CARD
from experiments.sequences.tree_recurrence.figures import error_by_depth, values_in_trees
from models.structured_recurrence import TreeNet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class TreeRecurrenceSettings(Settings):
    """Values of expressions."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64)
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, clip_norm=1.0)
    form: Literal["tree", "line"] = "tree"
    """along the tree, or through the nodes in their order, children before parents"""
    units: Count = 32
    """width of the state"""
    leaves: Annotated[int, Ge(2)] = 10
    """leaves of the largest trees"""
    examples: Annotated[int, Ge(8)] = 8000
    """training expressions"""


def network(settings: TreeRecurrenceSettings, dataset: Dataset) -> TreeNet:
    """Nodes and their children → a logit at each node."""
    return TreeNet(len(KINDS), settings.units, settings.form)


def value_loss(apply: Callable) -> LossFn:
    """The cross-entropy of the root's value, and the share of wrong ones. No node below it is told its value."""

    def loss_fn(params, batch, keys):
        logits = apply(keys, params, batch["kinds"], batch["children"])
        of_root = jnp.take_along_axis(logits, batch["root"][:, None], axis=1)[:, 0]
        value = batch["value"].astype(of_root.dtype)
        wrong = (of_root > 0) != (batch["value"] > 0)
        return optax.sigmoid_binary_cross_entropy(of_root, value), {"error": 100 * wrong.astype(of_root.dtype)}

    return loss_fn


def task(settings: TreeRecurrenceSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy."""
    model, example = network(settings, dataset), jax.device_put(dataset.example())
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = value_loss(without_noise(model.apply))
    return supervised(loss_fn, lambda key: model.init(key, example["kinds"], example["children"]), optimizer)


def monitor(settings: TreeRecurrenceSettings, dataset: Dataset) -> LossFn:
    """The same loss."""
    return value_loss(without_noise(network(settings, dataset).apply))


def figures(settings: TreeRecurrenceSettings, dataset: Dataset, params: Params) -> dict:
    """The error by depth; and the largest of the first trees with what is said at each node."""
    model, batch = network(settings, dataset), dataset.head("test", 2000)
    logits = np.asarray(jax.jit(model.apply)(params, batch["kinds"], batch["children"]))
    wrong = (logits[np.arange(len(logits)), batch["root"]] > 0) != (batch["value"] > 0)
    largest = np.argsort(-batch["root"][:100], kind="stable")[:SHOWN]
    trees = [
        (batch["kinds"][i], batch["children"][i], 1 / (1 + np.exp(-logits[i])), int(batch["root"][i])) for i in largest
    ]
    return {"depths": error_by_depth(batch["depth"], wrong), "trees": values_in_trees(trees)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=TreeRecurrenceSettings,
    data=lambda settings: expressions(settings.leaves, examples=settings.examples),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%"},
    network=network,
)
