"""Image to sequence: a digit's name, spelt letter by letter from its image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.training import NetworkTraining, without_noise
from experiments.numerals import counted
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.image_to_sequence.card import CARD
from experiments.sequences.image_to_sequence.figures import spelt
from models.image_to_sequence import ImageToSequence, say
from train.evaluation import MetricFn
from train.measures import Ratio
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LETTERS = "." + "".join(sorted(set("".join(NAMES))))
"""The alphabet; the full stop ends a name."""
LONGEST = max(map(len, NAMES)) + 1
WORDS = np.array([[LETTERS.index(letter) for letter in name.ljust(LONGEST, ".")] for name in NAMES], np.int32)
LENGTHS = np.array([len(name) + 1 for name in NAMES], np.int32)
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class ImageToSequenceSettings(Settings):
    """Spelling what is seen."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64)
    images: Flat[GreyImageData] = GreyImageData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3, clip_norm=1.0)
    cell: Literal["rnn", "lstm", "gru", "mgu"] = "gru"
    """what is repeated"""
    units: Count = 64
    """width of its state, and of the layer between the image and the state"""


def data(settings: ImageToSequenceSettings) -> Dataset:
    """Images of digits; ``DataError`` where there are not ten classes."""
    dataset = settings.images.load()
    if dataset.required_classes() != len(NAMES):
        raise DataError(
            f"{dataset.name} has {counted(dataset.classes, 'class')}: the names of ten digits are spelt here"
        )
    return dataset


def network(settings: ImageToSequenceSettings, dataset: Dataset) -> ImageToSequence:
    """Image and letters → logits of the next letter."""
    return ImageToSequence(len(LETTERS), settings.cell, settings.units)


def spelling_loss(apply: Callable) -> LossFn:
    """The cross-entropy of a name's letters, its end included, over the mean length; errors weigh letters."""

    def loss_fn(params, batch, keys):
        words, lengths = jnp.asarray(WORDS)[batch["label"]], jnp.asarray(LENGTHS)[batch["label"]]
        logits = apply(keys, params, batch["image"], words)
        within = jnp.arange(LONGEST, dtype=lengths.dtype) < lengths[:, None]
        costs = jnp.where(within, optax.losses.softmax_cross_entropy_with_integer_labels(logits, words), 0).sum(axis=1)
        wrong = (within & (logits.argmax(axis=-1) != words)).sum(axis=1)
        error = Ratio(100 * wrong.astype(costs.dtype), lengths.astype(costs.dtype))
        return costs / LENGTHS.mean(dtype=np.float32), {"letter_error": error}

    return loss_fn


def task(settings: ImageToSequenceSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy, the true letters being read."""
    model = network(settings, dataset)
    image, words = jax.device_put((dataset.example()["image"], WORDS[:1]))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = spelling_loss(settings.training.wrap(model.apply))
    return supervised(loss_fn, lambda key: model.init(key, image, words), optimizer)


def monitor(settings: ImageToSequenceSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return spelling_loss(without_noise(network(settings, dataset).apply))


def evaluate(settings: ImageToSequenceSettings, dataset: Dataset) -> MetricFn:
    """The same, and the share of names with a wrong letter when the network reads what it has written itself."""
    model, loss_fn = network(settings, dataset), monitor(settings, dataset)

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        written = say(model, params, batch["image"], count=LONGEST)
        words, lengths = jnp.asarray(WORDS)[batch["label"]], jnp.asarray(LENGTHS)[batch["label"]]
        within = jnp.arange(LONGEST, dtype=lengths.dtype) < lengths[:, None]
        wrong = (within & (written != words)).any(axis=1)
        return {"loss": losses, **metrics, "name_error": 100 * wrong.astype(losses.dtype)}

    return metric_fn


def figures(settings: ImageToSequenceSettings, dataset: Dataset, params: Params) -> dict:
    """Images with what is written under them."""
    images = dataset.head("test", SHOWN)["image"]
    written = jax.jit(say, static_argnums=0, static_argnames="count")(
        network(settings, dataset), params, images, count=LONGEST
    )
    texts = ["".join(LETTERS[number] for number in row).split(".")[0] for row in written.tolist()]
    return {"spelt": spelt(images, texts)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=ImageToSequenceSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "letter_error": "%", "name_error": "%"},
    network=network,
)
