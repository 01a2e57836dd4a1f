"""Sequential digits: an image read pixel by pixel, and named at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.sequence import SequenceNetwork
from experiments.networks.training import without_noise
from experiments.objectives.classification import classification_loss
from experiments.plots.classifier import classifier_figures
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.sequences.sequential_digits.card import CARD
from experiments.sequences.sequential_digits.figures import reading
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

SHOWN, DRAWN = 250, 6


@dataclass(frozen=True, kw_only=True)
class SequentialDigitsSettings(Settings):
    """Classification of images that are read in sequence."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64)
    images: Flat[GreyImageData] = GreyImageData()
    network: Flat[SequenceNetwork] = SequenceNetwork(cell="gru", units=64)
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3, clip_norm=1.0)
    reads: Literal["pixels", "rows"] = "pixels"
    """what is one place of the sequence"""
    permuted: bool = False
    """whether places come in a random order, the same for all images"""


def sequence_of(
    settings: SequentialDigitsSettings, images: Float[Array, "batch height width channels"]
) -> Float[Array, "batch places features"]:
    """Pixels row by row, or whole rows, as they are read."""
    batch, height, width, channels = images.shape
    shape = (height * width, channels) if settings.reads == "pixels" else (height, width * channels)
    places = images.reshape(batch, *shape)
    if not settings.permuted:
        return places
    return places[:, np.random.Generator(np.random.Philox(0)).permutation(shape[0])]


def network(settings: SequentialDigitsSettings, dataset: Dataset) -> nn.Module:
    """A sequence → one logit a class."""
    return settings.network.net(dataset.required_classes())


def _logits(settings: SequentialDigitsSettings, apply: Callable) -> Callable:
    return lambda keys, params, images: apply(keys, params, sequence_of(settings, images))["outputs"]


def task(settings: SequentialDigitsSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the classes."""
    model = network(settings, dataset)
    example = sequence_of(settings, jax.device_put(dataset.example()["image"]))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = classification_loss(_logits(settings, settings.network.noisy(model)), "cross_entropy")
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: SequentialDigitsSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout, from the mean of initial states."""
    apply = without_noise(network(settings, dataset).apply)
    return classification_loss(_logits(settings, apply), "cross_entropy")


def classifier(settings: SequentialDigitsSettings, dataset: Dataset) -> Callable[[Params, Array], Array]:
    """Logits of images."""
    logits = _logits(settings, without_noise(network(settings, dataset).apply))
    return lambda params, images: logits(None, params, images)


def figures(settings: SequentialDigitsSettings, dataset: Dataset, params: Params) -> dict:
    """What is taken for what, and what the answer would be after each place: the readout of each hidden state."""
    test, every = dataset.head("test", SHOWN), network(settings, dataset).clone(read="every")

    @jax.jit
    def over_time(params, images):
        return jax.nn.softmax(every.apply(params, sequence_of(settings, images))["outputs"])

    probabilities = np.asarray(over_time(params, test["image"]))
    predicted = probabilities[:, -1].argmax(axis=-1)
    return classifier_figures(test["image"], test["label"], predicted) | {
        "reading": reading(test["image"][:DRAWN], test["label"][:DRAWN], probabilities[:DRAWN])
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=SequentialDigitsSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"},
    network=network,
    inputs=lambda settings, examples: sequence_of(settings, examples["image"]),
    classifier=classifier,
)
