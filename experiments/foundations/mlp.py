"""Multi-layer perceptron: softmax regression, hidden layers, dropout with max-norm.

Papers: the Theano tutorials of LISA lab 2015 for presets ``softmax`` (7.489 % of MNIST's test images wrong) and
``tutorial`` (500 tanh units, 1.65 %); Srivastava et al. 2014, table 2, for ``dropout`` (three layers of 1,024 rectified
linear units, 1.06 %). Claim: hidden layers, and then noise and bounded weights, each lower the test error of the same
classifier. Command: ``lectern run mlp`` (digits, 20 s on two CPU cores);
``lectern run mlp --preset tutorial --data-dir MNIST --seeds 5``.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt

from experiments.datasets import Dataset
from experiments.foundations.classifier_figures import classifier_figures
from experiments.registry import Experiment, Reference
from experiments.settings import ImageSettings
from losses.classification import CLASSIFICATION_LOSSES, zero_one_loss
from models.mlp import MLPClassifier
from train.optimizers import make_optimizer
from train.task import LossFn, Task, supervised

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class MLPSettings(ImageSettings):
    """Multi-layer perceptron."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""
    widths: tuple[Count, ...] = (128, 128)
    """units of the hidden layers; none is softmax regression"""
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    """activation of the hidden layers"""
    loss: Literal["cross_entropy", "hinge", "squared_hinge", "crammer_singer_hinge"] = "cross_entropy"
    """what is minimised"""


def model_of(settings: MLPSettings, dataset: Dataset) -> MLPClassifier:
    """The network, with one output for each label of the training set."""
    classes = int(np.max(dataset.splits["train"]["label"])) + 1
    return MLPClassifier(settings.widths, classes, settings.activation)


def classification_loss(apply, loss: str) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error})`` of ``apply(keys, params, images)``; the error is in %."""

    def loss_fn(params, batch, keys):
        logits = apply(keys, params, batch["image"])
        losses = jax.vmap(CLASSIFICATION_LOSSES[loss])(logits, batch["label"])
        return losses, {"error": 100 * jax.vmap(zero_one_loss)(logits, batch["label"])}

    return loss_fn


def task(settings: MLPSettings, dataset: Dataset) -> Task:
    """Gradient descent on the classification loss."""
    model, example = model_of(settings, dataset), jnp.zeros((1, *dataset.image_shape))
    loss_fn = classification_loss(settings.in_training(model.apply), settings.loss)
    return supervised(loss_fn, lambda key: model.init(key, example), make_optimizer(settings, settings.steps))


def monitor(settings: MLPSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    model = model_of(settings, dataset)
    return classification_loss(lambda keys, *given: model.apply(*given), settings.loss)


def evaluate(settings: MLPSettings, dataset: Dataset):
    """Loss, and the share of wrong answers."""
    loss_fn = monitor(settings, dataset)

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        return metrics | {"loss": losses}

    return metric_fn


def figures(settings: MLPSettings, dataset: Dataset, params) -> dict:
    """The confusion matrix, and images that were taken for something else."""
    examples = dataset.head("test", 10_000)
    logits = jax.jit(model_of(settings, dataset).apply)(params, examples["image"])
    return classifier_figures(examples["image"], examples["label"], np.argmax(logits, axis=-1))


EXPERIMENT = Experiment(
    systems=("F2", "F3", "F4", "F5"),
    settings=MLPSettings,
    data=MLPSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"},
    presets={
        "default": {},
        "smoke": {"steps": 20, "chunk": 5, "evaluate_every": 10, "save_every": 10},
        "softmax": {
            "data": "mnist",
            "widths": (),
            "optimizer": "sgd",
            "learning_rate": 0.13,
            "batch_size": 600,
            "steps": 6142,
            "chunk": 83,
            "evaluate_every": 83,
            "save_every": 830,
            "patience": 74,
        },
        "tutorial": {
            "data": "mnist",
            "widths": (500,),
            "activation": "tanh",
            "optimizer": "sgd",
            "learning_rate": 0.01,
            "weight_decay": 2e-4,
            "batch_size": 20,
            "steps": 2500000,
            "chunk": 2500,
            "evaluate_every": 2500,
            "save_every": 25000,
            "patience": 1000,
        },
        "dropout": {
            "data": "mnist",
            "train_on": "train+valid",
            "widths": (1024, 1024, 1024),
            "optimizer": "momentum",
            "momentum": 0.95,
            "learning_rate": 0.01,
            "schedule": "cosine",
            "dropout": 0.5,
            "input_dropout": 0.2,
            "max_norm": 2.0,
            "batch_size": 100,
            "steps": 120000,
            "chunk": 100,
            "evaluate_every": 600,
            "save_every": 6000,
        },
    },
    references=(
        Reference(
            metric="error",
            value=7.489,
            unit="%",
            source="LISA lab 2015, tutorial on logistic regression",
            protocol="MNIST, 50,000 / 10,000 / 10,000; the parameters of the lowest validation error",
            preset="softmax",
        ),
        Reference(
            metric="error",
            value=1.65,
            unit="%",
            source="LISA lab 2015, tutorial on multilayer perceptrons",
            protocol="MNIST, 50,000 / 10,000 / 10,000; the parameters of the lowest validation error",
            preset="tutorial",
        ),
        Reference(
            metric="error",
            value=1.06,
            unit="%",
            source="Srivastava et al. 2014, table 2",
            protocol="MNIST, trained on 60,000; dropout and max-norm; the rates and the length are ours",
            preset="dropout",
        ),
    ),
)
