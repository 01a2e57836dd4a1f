"""Adding problem: two of many numbers are marked, and their sum is asked for at the end."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from flax import linen as nn
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.datasets.generated_sequences import adding_problem
from experiments.networks.sequence import SequenceNetwork
from experiments.networks.training import without_noise
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.adding_problem.card import CARD
from experiments.sequences.adding_problem.figures import answers, influence
from losses.regression import squared_error
from train.optimizers import Optimization, make_optimizer
from train.task import Batch, LossFn, Params, Task, supervised

SHOWN = 500


@dataclass(frozen=True, kw_only=True)
class AddingProblemSettings(Settings):
    """Adding two marked numbers."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000, batch_size=64, evaluate_every=500)
    network: Flat[SequenceNetwork] = SequenceNetwork(cell="gru", units=32)
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, clip_norm=1.0)
    length: Annotated[int, Ge(2)] = 50
    """numbers of a sequence"""
    examples: Count = 20_000
    """training sequences"""


def network(settings: AddingProblemSettings, dataset: Dataset) -> nn.Module:
    """A sequence of pairs → one number."""
    return settings.network.net(1)


def inputs_of(batch: Batch) -> Float[Array, "batch places 2"]:
    """Each number beside 1 where it is marked, 0 where not."""
    places = jnp.arange(batch["value"].shape[1], dtype=batch["marked"].dtype)
    marks = (batch["marked"][:, :, None] == places).any(axis=1)
    return jnp.stack([batch["value"], marks.astype(batch["value"].dtype)], axis=-1)


def squared_loss(apply) -> LossFn:
    """The squared error of the sum."""

    def loss_fn(params, batch, keys):
        answered = apply(keys, params, inputs_of(batch))["outputs"][:, 0]
        return jax.vmap(squared_error)(answered, batch["target"]), {}

    return loss_fn


def task(settings: AddingProblemSettings, dataset: Dataset) -> Task:
    """Descent on the squared error."""
    model = network(settings, dataset)
    example = inputs_of(jax.device_put(dataset.example()))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = squared_loss(settings.network.noisy(model))
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: AddingProblemSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout, from the mean of initial states."""
    return squared_loss(without_noise(network(settings, dataset).apply))


def figures(settings: AddingProblemSettings, dataset: Dataset, params: Params) -> dict:
    """What is answered, and how much each place of one sequence has to do with it."""
    model, batch = network(settings, dataset), jax.device_put(dataset.head("test", SHOWN))

    @jax.jit
    def answer(params, inputs):
        return model.apply(params, inputs)["outputs"][:, 0]

    inputs = inputs_of(batch)
    slopes = jax.jit(jax.grad(lambda params, inputs: answer(params, inputs).sum(), argnums=1))(params, inputs)[:, :, 0]
    rows = partial(jax.tree.map, np.asarray)
    target, answered, marked, slopes = rows((batch["target"], answer(params, inputs), batch["marked"], slopes))
    return {"answers": answers(target, answered), "influence": influence(slopes[:12], marked[:12])}


EXPERIMENT = Experiment(
    card=CARD,
    settings=AddingProblemSettings,
    data=lambda settings: adding_problem(settings.length, examples=settings.examples),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": ""},
    network=network,
    inputs=lambda settings, examples: inputs_of(examples),
)
