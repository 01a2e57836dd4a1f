"""Translation by a transformer: encoder and decoder write a date as ISO 8601 has it."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from experiments.datasets import Dataset
from experiments.datasets.sequence_pairs import dates
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.sequence_to_sequence import exact_matches, symbol_before, translation_loss
from experiments.plots.attention_maps import AttentionMap, attention_maps
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.sequences.translation_transformer.card import CARD
from models.encoder_decoder import EncoderDecoder
from models.feature_maps import SHOWN
from models.greedy import decode_greedily
from train.evaluation import MetricFn
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

DRAWN = 4
"""Test pairs whose attention is drawn."""


@dataclass(frozen=True, kw_only=True)
class TranslationSettings(Settings):
    """A transformer for pairs of sequences."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64, evaluate_every=250)
    transformer: Flat[Transformer] = Transformer(depth=2, width=64, activation="relu")
    optimization: Flat[Optimization] = Optimization(
        learning_rate=2e-3, warmup_steps=100, schedule="cosine", clip_norm=1.0
    )


def network(settings: TranslationSettings, dataset: Dataset) -> EncoderDecoder:
    """The model, for the alphabet of both sequences."""
    return EncoderDecoder(len(dataset.symbols), settings.transformer.shape)


def task(settings: TranslationSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the target's symbols."""
    model, example = network(settings, dataset), dataset.example()
    source, target = (jnp.asarray(example[name], jnp.int32) for name in ("source", "target"))
    loss_fn = translation_loss(settings.transformer.wrap(model.apply))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, source, target), optimizer)


def monitor(settings: TranslationSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return translation_loss(without_noise(network(settings, dataset).apply))


def translator(model: EncoderDecoder) -> Callable[[Params, Int[Array, "batch source_places"], int], Array]:
    """The function ``(params, sources, places) → targets [batch, places]``, the likeliest symbol at each place."""

    def translate(params, source, places):
        state = model.apply(params, source, places, method="begin")
        start = jnp.zeros(source.shape[:-1], jnp.int32)
        return decode_greedily(
            lambda state, before: model.apply(params, state, before, method="step"), state, start, places=places
        )

    return translate


def evaluate(settings: TranslationSettings, dataset: Dataset) -> MetricFn:
    """The loss, and the share of targets that are written without an error."""
    return exact_matches(translator(network(settings, dataset)), monitor(settings, dataset))


def figures(settings: TranslationSettings, dataset: Dataset, params: Params) -> dict:
    """Where the symbols of some translations look: the weights to the source, the mean over layers and heads."""
    model, pairs = network(settings, dataset), dataset.head("test", DRAWN)
    source = jnp.asarray(pairs["source"], jnp.int32)
    written = jax.jit(translator(model), static_argnums=2)(params, source, pairs["target"].shape[1])
    _, state = jax.jit(lambda *given: model.apply(*given, mutable=[SHOWN]))(params, source, symbol_before(written))
    weights = np.mean([leaf.mean(axis=1) for leaf in jax.tree.leaves(state[SHOWN])], axis=0)

    def map_of(pair: int) -> AttentionMap:
        rows, columns = ([dataset.symbols[number] for number in text[pair]] for text in (np.asarray(written), source))
        length = sum(symbol != "" for symbol in columns)
        title = f"{''.join(columns)} → {''.join(rows)}"
        return AttentionMap(title, rows, columns[:length], weights[pair, :, :length])

    return {"attention": attention_maps([map_of(pair) for pair in range(len(source))])}


EXPERIMENT = Experiment(
    card=CARD,
    settings=TranslationSettings,
    data=lambda settings: dates(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "exact_match": "%"},
    network=network,
)
