"""Multi-layer perceptron: softmax regression, hidden layers, dropout with max-norm."""

from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np

from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.foundations.mlp.card import CARD
from experiments.networks.mlp import MLPNetwork
from experiments.networks.training import NetworkTraining, without_noise
from experiments.objectives.classification import UNITS, classification_loss
from experiments.plots.classifier import classifier_figures
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, Settings
from models.mlp import MLPClassifier
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Task, supervised


@dataclass(frozen=True, kw_only=True)
class MLPSettings(Settings):
    """Multi-layer perceptron."""

    images: Flat[GreyImageData] = GreyImageData()
    architecture: Flat[MLPNetwork] = MLPNetwork()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()
    loss: Literal["cross_entropy", "hinge", "squared_hinge", "crammer_singer_hinge"] = "cross_entropy"
    """what is minimised"""


def network(settings: MLPSettings, dataset: Dataset) -> MLPClassifier:
    """The perceptron, with one output for each class of the data set."""
    return settings.architecture.classifier(dataset.required_classes())


def task(settings: MLPSettings, dataset: Dataset) -> Task:
    """Gradient descent on the classification loss."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    loss_fn = classification_loss(settings.training.wrap(model.apply), settings.loss)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: MLPSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return classification_loss(without_noise(network(settings, dataset).apply), settings.loss)


def figures(settings: MLPSettings, dataset: Dataset, params) -> dict:
    """The confusion matrix, and images that were taken for something else."""
    examples = dataset.head("test", 10_000)
    logits = jax.jit(network(settings, dataset).apply)(params, examples["image"])
    return classifier_figures(examples["image"], examples["label"], np.argmax(np.asarray(logits), axis=-1))


EXPERIMENT = Experiment(
    card=CARD,
    settings=MLPSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": lambda settings: UNITS[settings.loss]},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
