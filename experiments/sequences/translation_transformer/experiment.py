"""Translation by a transformer: encoder and decoder write a date as ISO 8601 has it."""

from dataclasses import dataclass

from experiments.datasets import Dataset
from experiments.datasets.sequence_pairs import dates
from experiments.evaluations.translations import translations
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.sequence_to_sequence import exact_matches, example_pair, translation_loss, translator
from experiments.plots.attention_maps import attention_maps
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.sequences.translation_transformer.card import CARD
from models.encoder_decoder import EncoderDecoder
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
    model = network(settings, dataset)
    loss_fn = translation_loss(settings.transformer.wrap(model.apply))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, *example_pair(dataset)), optimizer)


def monitor(settings: TranslationSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return translation_loss(without_noise(network(settings, dataset).apply))


def evaluate(settings: TranslationSettings, dataset: Dataset) -> MetricFn:
    """The loss, and the share of targets that are written without an error."""
    return exact_matches(translator(network(settings, dataset)), monitor(settings, dataset))


def figures(settings: TranslationSettings, dataset: Dataset, params: Params) -> dict:
    """Where the symbols of some translations look: the mean over layers and heads."""
    return {"attention": attention_maps(translations(network(settings, dataset), dataset, params, count=DRAWN))}


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
