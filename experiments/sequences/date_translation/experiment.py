"""Date translation: a recurrent encoder and decoder, with one context for all symbols or with attention."""

from dataclasses import dataclass

from experiments.datasets import Dataset
from experiments.datasets.sequence_pairs import dates
from experiments.evaluations.translations import translations
from experiments.networks.training import without_noise
from experiments.objectives.sequence_to_sequence import exact_matches, example_pair, translation_loss, translator
from experiments.plots.attention_maps import attention_maps
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.date_translation.card import CARD
from models.recurrent_encoder_decoder import RecurrentEncoderDecoder, Score
from train.evaluation import MetricFn
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

DRAWN = 4
"""Test pairs whose attention is drawn."""


@dataclass(frozen=True, kw_only=True)
class DateTranslationSettings(Settings):
    """Recurrent networks for pairs of sequences."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=64, evaluate_every=250)
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3, schedule="cosine", clip_norm=1.0)
    units: Count = 64
    """of the encoder in each direction, of the decoder, and of an embedded symbol"""
    score: Score = "additive"
    """how a symbol's state is compared with the source; none: one context for all symbols"""


def network(settings: DateTranslationSettings, dataset: Dataset) -> RecurrentEncoderDecoder:
    """The model, for the alphabet of both sequences."""
    return RecurrentEncoderDecoder(len(dataset.symbols), settings.units, settings.score)


def task(settings: DateTranslationSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the target's symbols."""
    model, loss_fn = network(settings, dataset), monitor(settings, dataset)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, *example_pair(dataset)), optimizer)


def monitor(settings: DateTranslationSettings, dataset: Dataset) -> LossFn:
    """The loss where the right symbols before are given."""
    return translation_loss(without_noise(network(settings, dataset).apply))


def evaluate(settings: DateTranslationSettings, dataset: Dataset) -> MetricFn:
    """The loss, and the share of targets that are written without an error."""
    return exact_matches(translator(network(settings, dataset)), monitor(settings, dataset))


def figures(settings: DateTranslationSettings, dataset: Dataset, params: Params) -> dict:
    """Where the symbols of some translations look; blank with one context."""
    return {"attention": attention_maps(translations(network(settings, dataset), dataset, params, count=DRAWN))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=DateTranslationSettings,
    data=lambda settings: dates(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "exact_match": "%"},
    network=network,
)
