"""Stacked autoencoders: denoising or contractive layers learnt one by one, then fine-tuned as a classifier."""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp

from experiments.objectives.layerwise import (
    UNITS,
    LayerwiseSettings,
    comparison_figures,
    evaluate,
    layerwise_task,
    monitor,
    there_and_back,
)
from experiments.objectives.reconstruction import clean, corruption_of
from experiments.objectives.layerwise_pretraining import by_reconstruction
from experiments.datasets import Dataset
from experiments.plots.images import image_rows
from experiments.autoencoders.stacked_autoencoder.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from train.optimizers import Fraction, NotNegative, make_optimizer
from train.task import Task


@dataclass(frozen=True, kw_only=True)
class StackedAutoencoderSettings(LayerwiseSettings):
    """Stacked autoencoders, and the same net without pre-training beside it."""

    layer: Literal["plain", "denoising", "contractive"] = "denoising"
    """how a layer learns"""
    masked: Fraction = 0.2
    """denoising: share of a layer's input that is set to 0"""
    contraction: NotNegative = 0.1
    """contractive: weight of the squared norm of the Jacobian"""
    pretrain_rate: NotNegative = 0.0
    """learning rate of the layers; 0: that of the fine-tuning"""


def task(settings: StackedAutoencoderSettings, dataset: Dataset) -> Task:
    """Every layer learns as an autoencoder."""
    rate = settings.pretrain_rate or settings.learning_rate
    layers = ImageSettings(optimizer=settings.optimizer, momentum=settings.momentum, learning_rate=rate)
    corrupt = corruption_of("masking", settings.masked) if settings.layer == "denoising" else clean
    learn = by_reconstruction(corrupt, settings.contraction if settings.layer == "contractive" else 0.0)
    return layerwise_task(settings, dataset, learn, make_optimizer(layers, settings.pretrain_steps))


def figures(settings: StackedAutoencoderSettings, dataset: Dataset, params) -> dict:
    """Errors side by side, first layers, and images from every layer back."""
    first = jnp.asarray(dataset.head("test", 16)["image"])
    back = {f"from layer {n}": there_and_back(params["stack"][:n], first) for n in range(1, len(settings.widths) + 1)}
    return comparison_figures(settings, dataset, params) | {
        "reconstructions": image_rows({"original": first} | back, title="held-out images"),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=StackedAutoencoderSettings,
    data=StackedAutoencoderSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error",
    units=UNITS,
)
