"""Stacked autoencoders: denoising or contractive layers learnt one by one, then fine-tuned as a classifier."""

from dataclasses import dataclass
from typing import Literal

import jax

from experiments.autoencoders.stacked_autoencoder.card import CARD
from experiments.datasets import Dataset
from experiments.objectives.layerwise_pretraining import reconstruction_gradient
from experiments.objectives.observation import corruption_of, identity
from experiments.objectives.pretrained_classifier import (
    UNITS,
    PretrainedClassifierSettings,
    compare,
    evaluate,
    held_out_loss,
    pretrained_classifier,
    pretraining_task,
    unroll,
)
from experiments.plots.images import image_rows
from experiments.plots.pretraining import pretraining_figures
from experiments.run.experiment import Experiment
from train.optimizers import Fraction, NotNegative, Optimization, make_optimizer
from train.task import Params, Task


@dataclass(frozen=True, kw_only=True)
class StackedAutoencoderSettings(PretrainedClassifierSettings):
    """Stacked autoencoders, and the same net without pre-training beside it."""

    layer: Literal["plain", "denoising", "contractive"] = "denoising"
    """how a layer learns"""
    masked: Fraction = 0.2
    """denoising: share of a layer's input that is set to 0"""
    contraction: NotNegative = 0.1
    """contractive: weight of the squared norm of the Jacobian"""
    pretrain_rate: NotNegative = 0.0
    """learning rate of the layers; 0: that of the fine-tuning"""

    def idle(self) -> dict[str, str]:
        """What other kinds of layers need."""
        needed_by = {"masked": "denoising", "contraction": "contractive"}
        reason = f"with --layer {self.layer}"
        return super().idle() | {name: reason for name, layer in needed_by.items() if layer != self.layer}

    @property
    def layer_optimization(self) -> Optimization:
        """How the layers' parameters move: by the rule of the fine-tuning, at a constant rate."""
        fine_tuning = self.optimization
        rate = self.pretrain_rate or fine_tuning.learning_rate
        return Optimization(optimizer=fine_tuning.optimizer, momentum=fine_tuning.momentum, learning_rate=rate)


def task(settings: StackedAutoencoderSettings, dataset: Dataset) -> Task:
    """Every layer learns as an autoencoder."""
    corrupt = corruption_of("masking", settings.masked) if settings.layer == "denoising" else identity
    contraction = settings.contraction if settings.layer == "contractive" else 0.0
    layer_optimizer = make_optimizer(settings.layer_optimization, settings.pretrain_steps)
    return pretraining_task(settings, dataset, reconstruction_gradient(corrupt, contraction), layer_optimizer)


def figures(settings: StackedAutoencoderSettings, dataset: Dataset, params: Params) -> dict:
    """Errors side by side, first layers, and images from every layer back."""
    first, depth = jax.device_put(dataset.head("test", 16)["image"]), len(settings.widths)
    back = {f"from layer {layer}": unroll(params["stack"][:layer], first) for layer in range(1, depth + 1)}
    return pretraining_figures(*compare(settings, dataset, params), dataset.image_shape) | {
        "reconstructions": image_rows({"original": first} | back, title="held-out images"),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=StackedAutoencoderSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=held_out_loss,
    evaluate=evaluate,
    figures=figures,
    monitored="pretrained/error",
    units=UNITS,
    classifier=pretrained_classifier,
)
