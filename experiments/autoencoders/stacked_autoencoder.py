"""Stacked autoencoders: denoising or contractive layers learnt one by one, then fine-tuned as a classifier.

Papers: Vincent et al. 2010 (denoising), Rifai et al. 2011 (contractive); preset ``paper`` follows the tutorial on
stacked denoising autoencoders of LISA lab 2015 (1.3 % of MNIST's test images wrong). Claim: a net whose layers have
learnt to restore images classifies them better than the same net, from the same first weights, without. Command:
``lectern run stacked_autoencoder`` (digits, 15 s on two CPU cores), or with ``--layer contractive``. Expected figure:
``filters``, strokes where the other net has noise.
"""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp

from experiments.autoencoders.layerwise import (
    UNITS,
    LayerwiseSettings,
    comparison_figures,
    evaluate,
    layerwise_task,
    monitor,
    there_and_back,
)
from experiments.autoencoders.reconstruction import clean, corruption_of
from experiments.autoencoders.stacking import by_reconstruction
from experiments.datasets import Dataset
from experiments.figures import image_rows
from experiments.registry import Experiment, Reference
from experiments.settings import ImageSettings
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
    systems=("A3", "A7", "A8"),
    settings=StackedAutoencoderSettings,
    data=StackedAutoencoderSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error",
    units=UNITS,
    presets={
        "default": {"schedule": "cosine"},
        "smoke": {
            "steps": 20,
            "chunk": 5,
            "evaluate_every": 10,
            "save_every": 10,
            "widths": (12, 8),
            "pretrain_steps": 1,
        },
        "paper": {
            "data": "mnist",
            "widths": (1000, 1000, 1000),
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "pretrain_rate": 0.001,
            "batch_size": 1,
            "pretrain_steps": 750000,
            "steps": 4050000,
            "chunk": 500,
            "evaluate_every": 50000,
            "save_every": 250000,
            "evaluation_batch": 1000,
        },
        "mnist": {
            "data": "mnist",
            "train_on": "train+valid",
            "widths": (1000, 1000, 1000),
            "batch_size": 100,
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "pretrain_steps": 9000,
            "steps": 60000,
            "chunk": 50,
            "evaluate_every": 3000,
            "save_every": 6000,
            "evaluation_batch": 1000,
        },
        "contractive": {
            "data": "mnist",
            "train_on": "train+valid",
            "layer": "contractive",
            "widths": (1000,),
            "batch_size": 100,
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "pretrain_steps": 9000,
            "steps": 60000,
            "chunk": 50,
            "evaluate_every": 3000,
            "save_every": 6000,
            "evaluation_batch": 1000,
        },
    },
    references=(
        Reference(
            metric="error",
            value=1.3,
            unit="%",
            source="LISA lab 2015, tutorial on stacked denoising autoencoders",
            protocol="MNIST, 50,000 / 10,000 / 10,000; three layers of 1,000 with 10, 20 and 30 % masked, here 20 % "
            "in each; the parameters of the lowest validation error, here the last",
            preset="paper",
        ),
        Reference(
            metric="error",
            value=1.14,
            unit="%",
            source="Rifai et al. 2011, table 1",
            protocol="MNIST, one contractive layer of 1,000, fine-tuned; figure from memory; rates and lengths ours",
            preset="contractive",
        ),
    ),
)
