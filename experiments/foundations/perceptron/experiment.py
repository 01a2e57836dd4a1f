"""Perceptron: the learning rule finds 14 of the 16 Boolean functions of two inputs, and never XOR."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.generated import TRUTH_TABLES, BooleanFunction, truth_tables
from experiments.foundations.perceptron.card import CARD
from experiments.foundations.perceptron.figures import perceptron_figures
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from models.perceptron import perceptron_update, threshold_unit, xor_network
from train.evaluation import MetricFn, WholeSet
from train.feed import example_indices
from train.measures import Metrics
from train.optimizers import Positive
from train.task import Batch, LossFn, State, Task, initial_state
from train.trainable import Params


@dataclass(frozen=True, kw_only=True)
class PerceptronSettings(Settings):
    """Perceptron. The rows of a batch are learnt one after the other."""

    loop: Flat[LoopSettings] = LoopSettings(steps=240, batch_size=1, chunk=4, evaluate_every=4, save_every=80)
    function: Literal["all", BooleanFunction] = "all"
    """what a unit is to learn; all: sixteen units, one for each function"""
    learning_rate: Positive = 1.0
    """the length of an update; from zero weights it changes no answer"""

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of what is learnt."""
        return tuple(TRUTH_TABLES) if self.function == "all" else (self.function,)


def data(settings: PerceptronSettings) -> Dataset:
    """The truth tables: one row is an example for training, all four are the one for tests."""
    return truth_tables(settings.functions)


def wrong_outputs(
    params: Params, inputs: Float[Array, "rows 2"], targets: Float[Array, "rows functions"]
) -> Float[Array, "rows functions"]:
    """1 where a function's unit errs on a row of its table, else 0."""
    units = params["params"]
    of_row = jax.vmap(threshold_unit, (None, 0, 0))
    return jnp.abs(targets - jax.vmap(of_row, (0, None, None))(inputs, units["weights"], units["bias"]))


def task(settings: PerceptronSettings, dataset: Dataset) -> Task:
    """The perceptron rule, for all functions at once: one row after the other, from weights of zero."""
    count = len(settings.functions)

    def init(key: Key[Array, ""]) -> State:
        units = {"weights": jnp.zeros((count, 2)), "bias": jnp.zeros(count)}
        return initial_state(key, {"params": units, "counts": {"updates": jnp.zeros(count)}}, ())

    def learn(params: Params, row: Batch) -> tuple[Params, Float[Array, " functions"]]:
        def update(weights, bias, target):
            return perceptron_update(weights, bias, row["inputs"], target, learning_rate=settings.learning_rate)

        (wrong,) = wrong_outputs(params, row["inputs"][None], row["targets"][None])
        weights, bias = jax.vmap(update)(params["params"]["weights"], params["params"]["bias"], row["targets"])
        updates = params["counts"]["updates"] + wrong
        return {"params": {"weights": weights, "bias": bias}, "counts": {"updates": updates}}, wrong

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        rows = jax.tree.map(lambda leaf: leaf.reshape(-1, leaf.shape[-1]), batch)
        params, wrong = jax.lax.scan(learn, state.params, rows)
        return state._replace(step=state.step + 1, params=params), {"error": 100 * wrong.mean()}

    return Task(init, step)


def monitor(settings: PerceptronSettings, dataset: Dataset) -> LossFn:
    """The share of wrong outputs, and how many functions are right on all rows of a table."""

    def loss_fn(params, batch, keys):
        wrong = jax.vmap(wrong_outputs, (None, 0, 0))(params, batch["inputs"], batch["targets"])
        error = 100 * wrong.mean(axis=(1, 2))
        return error, {"error": error, "learnt": jnp.all(wrong == 0, axis=1).sum(axis=1).astype(float)}

    return loss_fn


def evaluate(settings: PerceptronSettings, dataset: Dataset) -> MetricFn:
    """The same, and on how many of the four inputs each function's unit errs."""

    def metric_fn(params, batch, keys):
        wrong = jax.vmap(wrong_outputs, (None, 0, 0))(params, batch["inputs"], batch["targets"]).sum(axis=1)
        mistakes = dict(zip(settings.functions, wrong.T, strict=True))
        two_layers = jax.vmap(jax.vmap(xor_network))(batch["inputs"])
        mistakes["xor_by_two_layers"] = jnp.abs(two_layers - TRUTH_TABLES["xor"]).sum(axis=1)
        _, metrics = monitor(settings, dataset)(params, batch, keys)
        return metrics | {f"{name}/wrong": count for name, count in mistakes.items()}

    return metric_fn


def evaluate_whole(settings: PerceptronSettings, dataset: Dataset) -> WholeSet:
    """The updates that all units made, and the most that one made which has learnt its function."""

    def measure(params, table, key):
        learnt = jnp.all(wrong_outputs(params, table["inputs"], table["targets"]) == 0, axis=0)
        updates = params["counts"]["updates"]
        return {"updates": updates.sum(), "most_updates_of_a_learnt": jnp.max(jnp.where(learnt, updates, 0))}

    return WholeSet(jax.tree.map(lambda leaf: leaf[0], dataset.whole("test")), measure)


def figures(settings: PerceptronSettings, dataset: Dataset, params: Params) -> dict:
    """The plane as the units divide it, XOR by two layers, and the first seed's way, walked once more."""
    rule, table, loop, seed = task(settings, dataset), dataset.whole("test"), settings.loop, settings.seeds.seed
    steps = min(loop.steps, 400)
    taken = example_indices(seed, 4, 0, steps * loop.batch_size).reshape(steps, -1)

    def follow(state, batch):
        state, _ = rule.step(state, batch)
        wrong = wrong_outputs(state.params, table["inputs"][0], table["targets"][0]).sum(axis=0)
        return state, (wrong, state.params["counts"]["updates"])

    examples = jax.tree.map(lambda leaf: leaf[taken], dataset.whole("train"))
    _, (wrong, updates) = jax.lax.scan(follow, rule.init(jax.random.key(seed)), examples)
    return perceptron_figures(settings.functions, params, np.asarray(wrong), np.asarray(updates), loop.batch_size)


EXPERIMENT = Experiment(
    card=CARD,
    settings=PerceptronSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="error",
    units={"loss": "%", "error": "%", "learnt": "functions"}
    | dict.fromkeys(("updates", "most_updates_of_a_learnt"), "updates")
    | {f"{name}/wrong": "inputs" for name in (*TRUTH_TABLES, "xor_by_two_layers")},
)
