"""Sequence tagging: each bracket of a sequence has a partner, or none."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.datasets.generated_sequences import BRACKETS, TAGS, brackets
from experiments.networks.sequence import RecurrentNetwork
from experiments.networks.training import without_noise
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.sequence_tagging.card import CARD
from experiments.sequences.sequence_tagging.figures import tagged
from models.recurrent_net import RecurrentNet
from train.measures import Ratio
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class SequenceTaggingSettings(Settings):
    """Tagging of brackets."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64)
    network: Flat[RecurrentNetwork] = RecurrentNetwork(units=48)
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, clip_norm=1.0)
    both_ways: bool = True
    """whether a second network reads from the end"""
    shortest: Count = 4
    """places of the shortest sequences"""
    longest: Count = 24
    """places of the longest"""
    examples: Count = 20_000
    """training sequences"""

    def __post_init__(self):
        super().__post_init__()
        if self.shortest > self.longest:
            raise ValueError(f"--shortest {self.shortest} must be at most --longest {self.longest}")

    @property
    def mean_length(self) -> float:
        """Places of a sequence on average."""
        return (self.shortest + self.longest) / 2


def network(settings: SequenceTaggingSettings, dataset: Dataset) -> RecurrentNet:
    """Symbols → logits of the three tags at each place."""
    return settings.network.net(len(TAGS), read="every", symbols=len(BRACKETS), both_ways=settings.both_ways)


def tagging_loss(apply: Callable, mean_length: float) -> LossFn:
    """The cross-entropy of all places of a sequence over the mean length; metrics weigh places, not sequences."""

    def loss_fn(params, batch, keys):
        symbols, tags = batch["symbols"].astype(jnp.int32), batch["tags"].astype(jnp.int32)
        logits = apply(keys, params, symbols, batch["length"])["outputs"]
        within = jnp.arange(symbols.shape[1], dtype=jnp.int32) < batch["length"][:, None]
        costs = jnp.where(within, optax.losses.softmax_cross_entropy_with_integer_labels(logits, tags), 0)
        wrong = within & (logits.argmax(axis=-1) != tags)

        def share(where) -> Ratio:
            counts = [each.sum(axis=1).astype(costs.dtype) for each in (where & wrong, where)]
            return Ratio(100 * counts[0], counts[1])

        signs = {"opening_error": "(", "closing_error": ")"}
        errors = {name: share(within & (symbols == BRACKETS.index(sign))) for name, sign in signs.items()}
        return costs.sum(axis=1) / mean_length, {"error": share(within), **errors}

    return loss_fn


def task(settings: SequenceTaggingSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the tags."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["symbols"].astype(np.int32))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = tagging_loss(settings.network.noisy(model), settings.mean_length)
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: SequenceTaggingSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout, from the mean of initial states."""
    return tagging_loss(without_noise(network(settings, dataset).apply), settings.mean_length)


def probabilities(model: RecurrentNet, params: Params, batch: dict) -> Float[Array, "batch places tags"]:
    """Of each tag at each place."""
    return jax.nn.softmax(model.apply(params, batch["symbols"].astype(np.int32), batch["length"])["outputs"])


def figures(settings: SequenceTaggingSettings, dataset: Dataset, params: Params) -> dict:
    """A few sequences letter by letter."""
    batch = dataset.head("test", SHOWN)
    known = jax.jit(probabilities, static_argnums=0)(network(settings, dataset), params, batch)
    return {"tags": tagged(batch["symbols"], batch["tags"], batch["length"], np.asarray(known))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=SequenceTaggingSettings,
    data=lambda settings: brackets(settings.shortest, settings.longest, examples=settings.examples),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "opening_error": "%", "closing_error": "%"},
    network=network,
)
