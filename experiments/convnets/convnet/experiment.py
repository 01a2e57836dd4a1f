"""Convolutional classifier: a few convolutions with batch normalisation, and what the running statistics are for."""

from dataclasses import dataclass
from typing import Annotated

import jax
import numpy as np
from annotated_types import Ge

from experiments.convnets.convnet.card import CARD
from experiments.convnets.convnet.figures import statistics_by_layer
from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.training import NetworkTraining, without_noise
from experiments.numerals import counted
from experiments.objectives.classification import classification_loss, classification_losses
from experiments.plots.classifier import classifier_figures
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from models.batch_norm import COLLECTION
from models.convnet import ConvNet
from train.optimizers import Fraction, Optimization, make_optimizer
from train.statistics import moving_average
from train.task import LossFn, Task, supervised
from train.trainable import Params


@dataclass(frozen=True, kw_only=True)
class ConvNetSettings(Settings):
    """Small convolutional classifier."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000)
    images: Flat[GreyImageData] = GreyImageData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3)
    channels: tuple[Count, ...] = (16, 32)
    """features of the convolutions, each of which halves the image"""
    group: Annotated[int, Ge(0)] = 0
    """examples that are normalised together; 0: the whole batch"""
    statistics_decay: Fraction = 0.9
    """of the running statistics:  r ← decay · r + (1 − decay) · those of the batch"""

    def __post_init__(self):
        super().__post_init__()
        part = self.loop.batch_size // self.parts
        if part % self.normalized_together:
            raise ValueError(
                f"with --accumulate {self.parts} a part of a batch has {counted(part, 'example')}, of which "
                f"{self.normalized_together} are normalised together: add --group with a divisor of that number"
            )

    @property
    def normalized_together(self) -> int:
        """The size of a group."""
        return self.group or self.loop.batch_size


def network(settings: ConvNetSettings, dataset: Dataset) -> ConvNet:
    """The classifier, with one output for each class of the data set."""
    return ConvNet(dataset.required_classes(), settings.channels, settings.normalized_together)


def task(settings: ConvNetSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy; the running statistics follow those of the batches."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    apply = settings.training.wrap(model.apply)

    def loss_fn(params, batch, keys):
        logits, observed = apply(keys, params, batch["image"], training=True, mutable=[COLLECTION])
        return *classification_losses(logits, batch["label"], loss="cross_entropy"), observed[COLLECTION]

    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    follow = moving_average(COLLECTION, settings.statistics_decay)
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer, follow)


def monitor(settings: ConvNetSettings, dataset: Dataset) -> LossFn:
    """The same loss of images as they are, each normalised by the running statistics."""
    return classification_loss(without_noise(network(settings, dataset).apply), "cross_entropy")


def figures(settings: ConvNetSettings, dataset: Dataset, params: Params) -> dict:
    """The confusion matrix, images that were taken for something else, and the running statistics."""
    examples = dataset.head("test", 10_000)
    logits = jax.jit(network(settings, dataset).apply)(params, examples["image"])
    drawn = classifier_figures(examples["image"], examples["label"], np.argmax(np.asarray(logits), axis=-1))
    return drawn | {"statistics": statistics_by_layer(params[COLLECTION])}


EXPERIMENT = Experiment(
    card=CARD,
    settings=ConvNetSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
