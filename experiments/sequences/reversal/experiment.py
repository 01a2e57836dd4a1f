"""Reversal: an encoder says at each place which symbol stands as far from the other end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Gt, Le

from experiments.datasets import Dataset
from experiments.datasets.sequence_pairs import reversals
from experiments.evaluations.translations import attention_of_pairs, mean_weights
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.sequence_to_sequence import Translate, exact_matches, example_pair, translation_loss
from experiments.plots.attention_maps import attention_maps
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.reversal.card import CARD
from models.encoder_decoder import Encoder
from train.evaluation import MetricFn
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

DRAWN = 4
"""Test sequences whose attention is drawn."""


@dataclass(frozen=True, kw_only=True)
class ReversalSettings(Settings):
    """An encoder for sequences of one length."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=128, evaluate_every=250)
    transformer: Flat[Transformer] = Transformer(depth=1, heads=1, width=32, hidden=64, activation="relu", norm="after")
    optimization: Flat[Optimization] = Optimization(
        learning_rate=2e-3, warmup_steps=50, schedule="cosine", clip_norm=5.0
    )
    length: Count = 16
    """places of a sequence"""
    alphabet: Annotated[int, Gt(1), Le(36)] = 10
    """different symbols"""
    examples: Count = 50_000
    """training sequences"""


def network(settings: ReversalSettings, dataset: Dataset) -> Encoder:
    """The model, for the alphabet."""
    symbols = len(dataset.symbols)
    return Encoder(symbols, symbols, settings.transformer.shape)


def _of_source(apply: Callable) -> Callable:
    """An encoder where a translator stands: it is not told what comes before."""
    return lambda keys, params, source, before: apply(keys, params, source)


def task(settings: ReversalSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the symbol at each place."""
    model = network(settings, dataset)
    loss_fn = translation_loss(_of_source(settings.transformer.wrap(model.apply)))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, example_pair(dataset)[0]), optimizer)


def monitor(settings: ReversalSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return translation_loss(_of_source(without_noise(network(settings, dataset).apply)))


def reverser(model: Encoder) -> Translate:
    """The likeliest symbol at each place, all at once."""
    return lambda params, source, places: model.apply(params, source)[:, :places].argmax(axis=-1)


def evaluate(settings: ReversalSettings, dataset: Dataset) -> MetricFn:
    """The loss, and the share of sequences without an error."""
    return exact_matches(reverser(network(settings, dataset)), monitor(settings, dataset))


def figures(settings: ReversalSettings, dataset: Dataset, params: Params) -> dict:
    """Where the places of some sequences look."""
    model, source = network(settings, dataset), jnp.asarray(dataset.head("test", DRAWN)["source"], jnp.int32)
    written = jax.jit(reverser(model), static_argnums=2)(params, source, settings.length)
    weights = mean_weights(model, params, source, name="self_weights")
    return {"attention": attention_maps(attention_of_pairs(dataset, source, written, weights))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=ReversalSettings,
    data=lambda settings: reversals(settings.length, settings.alphabet, settings.examples, settings.examples // 5),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "exact_match": "%"},
    network=network,
    inputs=lambda settings, examples: examples["source"],
)
