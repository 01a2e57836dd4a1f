"""Copy memory: ten symbols are to be said again after a delay."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from experiments.datasets import Dataset
from experiments.datasets.generated_sequences import ALPHABET, COPIED, GO, copy_memory
from experiments.networks.sequence import SequenceNetwork
from experiments.networks.training import without_noise
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.copy_memory.card import CARD
from experiments.sequences.copy_memory.figures import recall
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

SHOWN, AVERAGED = 12, 500


@dataclass(frozen=True, kw_only=True)
class CopyMemorySettings(Settings):
    """Saying again what was said long ago."""

    loop: Flat[LoopSettings] = LoopSettings(steps=3000, batch_size=64)
    network: Flat[SequenceNetwork] = SequenceNetwork(cell="gru", units=64)
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, clip_norm=1.0)
    delay: Count = 20
    """places between the last symbol and the first that is to be said"""
    examples: Count = 20_000
    """training sequences"""


def network(settings: CopyMemorySettings, dataset: Dataset) -> nn.Module:
    """Symbols → logits of nothing and of the eight symbols, at each place."""
    return settings.network.net(ALPHABET + 1, read="every", symbols=GO + 1)


def copy_loss(apply) -> LossFn:
    """The mean cross-entropy of all places, and the share of the ten symbols that are wrong."""

    def loss_fn(params, batch, keys):
        logits = apply(keys, params, batch["symbols"].astype(jnp.int32))["outputs"]
        target = batch["target"].astype(jnp.int32)
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, target).mean(axis=1)
        wrong = (logits.argmax(axis=-1) != target)[:, -COPIED:]
        return losses, {"error": 100 * wrong.mean(axis=1, dtype=losses.dtype)}

    return loss_fn


def task(settings: CopyMemorySettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["symbols"].astype(np.int32))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = copy_loss(settings.network.noisy(model))
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: CopyMemorySettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout, from the mean of initial states."""
    return copy_loss(without_noise(network(settings, dataset).apply))


def figures(settings: CopyMemorySettings, dataset: Dataset, params: Params) -> dict:
    """What is said at the last ten places, and what each place costs."""
    model, batch = network(settings, dataset), dataset.head("test", AVERAGED)

    @jax.jit
    def seen(params, symbols, target):
        logits = model.apply(params, symbols)["outputs"]
        costs = optax.losses.softmax_cross_entropy_with_integer_labels(logits, target)
        return logits[:SHOWN, -COPIED:].argmax(axis=-1), costs.mean(axis=0)

    symbols, target = (batch[name].astype(np.int32) for name in ("symbols", "target"))
    said, costs = map(np.asarray, seen(params, symbols, target))
    return {"recall": recall(target[:SHOWN, -COPIED:], said, costs, len(target))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=CopyMemorySettings,
    data=lambda settings: copy_memory(settings.delay, examples=settings.examples),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%"},
    network=network,
)
