"""Addition: two numbers as text, and their sum written digit by digit by a recurrent network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt, Le
from jaxtyping import Int

from experiments.datasets import Dataset
from experiments.datasets.sequence_pairs import drawn_sums, unique_sums
from experiments.networks.training import without_noise
from experiments.objectives.sequence_to_sequence import (
    everywhere,
    exact_matches,
    example_pair,
    to_the_end,
    translation_loss,
    translator,
)
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.addition.card import CARD
from experiments.sequences.addition.figures import errors_by_carries
from models.last_state_encoder_decoder import Handed, LastStateEncoderDecoder
from train.evaluation import MetricFn
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

COUNTED = {"to_the_end": to_the_end, "everywhere": everywhere}


@dataclass(frozen=True, kw_only=True)
class AdditionSettings(Settings):
    """Sums as pairs of texts."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000, batch_size=128, evaluate_every=500)
    optimization: Flat[Optimization] = Optimization(learning_rate=1e-2, schedule="cosine", clip_norm=1.0)
    cell: Literal["lstm", "gru", "rnn", "mgu"] = "lstm"
    """what is repeated"""
    units: Count = 128
    """of the encoder and of the decoder"""
    handed: Handed = "state"
    """how the decoder is given the encoder's end: as the state in which it begins, or as what it reads at each place"""
    counted: Literal["to_the_end", "everywhere"] = "to_the_end"
    """places of an answer that count in loss and error: to its end, or the blanks behind it too"""
    digits: Annotated[int, Gt(0), Le(9)] = 3
    """of the longest numbers"""
    questions: Annotated[int, Gt(19)] = 50_000
    """different questions, nine tenths of them for training"""
    drawn: bool = False
    """sums of a number below 100 and one below 1,000 instead, forwards and with repetitions, as in Flax' example"""

    def idle(self) -> dict[str, str]:
        """Fields that drawn sums have no use for."""
        return super().idle() | (dict.fromkeys(("digits", "questions"), "with --drawn") if self.drawn else {})


def data(settings: AdditionSettings) -> Dataset:
    """The questions and answers."""
    return drawn_sums() if settings.drawn else unique_sums(settings.digits, settings.questions)


def network(settings: AdditionSettings, dataset: Dataset) -> LastStateEncoderDecoder:
    """The model, for digits, plus and nothing."""
    return LastStateEncoderDecoder(len(dataset.symbols), settings.units, settings.cell, settings.handed)


def task(settings: AdditionSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the sum's digits."""
    model, loss_fn = network(settings, dataset), monitor(settings, dataset)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, *example_pair(dataset)), optimizer)


def monitor(settings: AdditionSettings, dataset: Dataset) -> LossFn:
    """The loss where the right digits before are given."""
    return translation_loss(without_noise(network(settings, dataset).apply), COUNTED[settings.counted])


def evaluate(settings: AdditionSettings, dataset: Dataset) -> MetricFn:
    """The loss, and the share of sums that are written without an error."""
    return exact_matches(translator(network(settings, dataset)), monitor(settings, dataset))


def figures(settings: AdditionSettings, dataset: Dataset, params: Params) -> dict:
    """How many test questions of each number of carries are answered wrongly."""
    pairs = dataset.whole("test")
    source, target = (jnp.asarray(pairs[name], jnp.int32) for name in ("source", "target"))
    written = jax.jit(translator(network(settings, dataset)), static_argnums=2)(params, source, target.shape[1])
    wrong = ((written != target) & (to_the_end(target) > 0)).any(axis=1)
    return {"carries": errors_by_carries(carries(dataset, pairs), np.asarray(wrong))}


def carries(dataset: Dataset, pairs: Mapping[str, np.ndarray]) -> Int[np.ndarray, " pairs"]:
    """How often one is carried to the next place in each sum: each time ten becomes one, and the digits' sum falls by
    nine.
    """
    value = np.array([int(symbol) if symbol.isdigit() else 0 for symbol in dataset.symbols])
    question, answer = (value[pairs[name]].sum(axis=1) for name in ("source", "target"))
    return (question - answer) // 9


EXPERIMENT = Experiment(
    card=CARD,
    settings=AdditionSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "exact_match": "%"},
    network=network,
)
