"""Multi-layer perceptron: softmax regression, hidden layers, dropout with max-norm."""

from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np

from experiments.datasets import DataError, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.model_averaging import cross_entropy, error, of_averages
from experiments.foundations.mlp.card import CARD
from experiments.foundations.mlp.figures import averaging
from experiments.networks.mlp import MLPNetwork
from experiments.networks.training import NetworkTraining, without_noise
from experiments.objectives.classification import UNITS, classification_loss
from experiments.plots.classifier import classifier_figures
from experiments.run.experiment import Experiment, with_loss
from experiments.run.settings import Flat, Settings
from models.mlp import MLPClassifier
from train.evaluation import MetricFn
from train.measures import Ratio
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
    whole_batches: bool = False
    """select by as many validation images as fill batches, and also measure as many test images: LISA's tutorials count
    no others"""


def data(settings: MLPSettings) -> Dataset:
    """The images; of those for validation with ``whole_batches`` the first that fill batches, and of those for the test
    "counted", which say of each whether it is one of them.
    """
    dataset = settings.images.load()
    if not settings.whole_batches:
        return dataset
    size = settings.loop.batch_size
    valid, test = dataset.whole("valid"), dataset.whole("test")
    kept, counted = (len(each["label"]) // size * size for each in (valid, test))
    if not min(kept, counted):
        raise DataError(f"--whole-batches: {dataset.name} has held-out splits of less than --batch-size {size}")
    splits = dataset.splits | {
        "valid": {name: array[:kept] for name, array in valid.items()},
        "test": test | {"counted": (np.arange(len(test["label"])) < counted).astype(np.float32)},
    }
    protocol = f"{dataset.protocol}, whole batches of {size}: {kept:,} for validation, {counted:,} for the test"
    return dataset._replace(splits=splits, protocol=protocol, fingerprint=fingerprint(splits))


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


def evaluate(settings: MLPSettings, dataset: Dataset) -> MetricFn:
    """The losses and errors of all test images, and with ``whole_batches`` the error of those that fill batches."""
    every = with_loss(monitor(settings, dataset))

    def metric_fn(params, batch, keys):
        metrics = every(params, batch, keys)
        if not settings.whole_batches:
            return metrics
        counted = batch["counted"]
        return metrics | {"whole_batches/error": Ratio(metrics["error"] * counted, counted)}

    return metric_fn


def figures(settings: MLPSettings, dataset: Dataset, params) -> dict:
    """The confusion matrix, and images that were taken for something else."""
    examples = dataset.head("test", 10_000)
    logits = jax.jit(network(settings, dataset).apply)(params, examples["image"])
    predicted = np.argmax(np.asarray(logits), axis=-1)
    return classifier_figures(examples["image"], examples["label"], predicted, class_names=dataset.class_names)


def figures_of_seeds(settings: MLPSettings, dataset: Dataset, params) -> dict:
    """The test where outputs of several seeds' networks are averaged: probabilities, or the scores of a hinge."""
    examples, probable = dataset.head("test", 10_000), settings.loss == "cross_entropy"
    scores = jax.jit(jax.vmap(network(settings, dataset).apply, (0, None)))(params, examples["image"])
    outputs = np.asarray(jax.nn.softmax(scores) if probable else scores)
    measures = {"error": error} | ({"loss": cross_entropy} if probable else {})
    units = EXPERIMENT.units_of(settings)
    panels = {f"{name}, {units[name]}": of_averages(outputs, of(examples["label"])) for name, of in measures.items()}
    return {"averaging": averaging(panels)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=MLPSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    figures_of_seeds=figures_of_seeds,
    monitored="error",
    units={"error": "%", "whole_batches/error": "%", "loss": lambda settings: UNITS[settings.loss]},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
