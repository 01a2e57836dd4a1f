"""Stacked autoencoders: denoising or contractive layers learnt one by one, then fine-tuned as a classifier.

Papers: Vincent et al. 2010 (denoising), Rifai et al. 2011 (contractive); preset ``paper`` follows the tutorial on
stacked denoising autoencoders of LISA lab 2015 (1.3 % of MNIST's test images wrong). Claim: a net whose layers have
learnt to restore images classifies them better than the same net, from the same first weights, without. Command:
``lectern run stacked_autoencoder`` (digits, 15 s on two CPU cores), or with ``--layer contractive``. Expected figure:
``filters``, strokes where the other net has noise.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt

from experiments.autoencoders.deep_belief_net import (
    classifier_loss,
    evaluate,
    model_of,
    monitor,
    there_and_back,
)
from experiments.autoencoders.deep_belief_net_figures import errors_by_class, filters_of_both
from experiments.autoencoders.rbm import observe_of, pixel_means
from experiments.autoencoders.reconstruction import clean, corruption_of
from experiments.autoencoders.stacking import NETS, by_reconstruction, layer_phase, stacked
from experiments.datasets import Dataset
from experiments.figures import image_rows
from experiments.registry import Experiment, Reference
from experiments.settings import ImageSettings
from models.rbm import independent_bias
from train.optimizers import Fraction, NotNegative, Positive, make_optimizer
from train.task import Task

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class StackedAutoencoderSettings(ImageSettings):
    """Stacked autoencoders, and the same net without pre-training beside it."""

    steps: Count = 5000
    """updates in all: of every layer in turn, and what is left for the fine-tuning of both nets"""
    learning_rate: Positive = 3e-3
    """peak learning rate, of the layers too where --pretrain-rate is 0"""
    binarization: Literal["none", "static", "stochastic"] = "none"
    """none: intensities are taken for probabilities; static: bits drawn once; stochastic: drawn anew at each use"""
    widths: tuple[Count, ...] = (128, 128, 128)
    """units of the layers, from the image upwards"""
    layer: Literal["plain", "denoising", "contractive"] = "denoising"
    """how a layer learns"""
    masked: Fraction = 0.2
    """denoising: share of a layer's input that is set to 0"""
    contraction: NotNegative = 0.1
    """contractive: weight of the squared norm of the Jacobian"""
    pretrain_steps: Count = 1000
    """updates of every layer as an autoencoder"""
    pretrain_rate: NotNegative = 0.0
    """learning rate of the layers; 0: that of the fine-tuning"""

    def __post_init__(self):
        super().__post_init__()
        if not self.widths:
            raise ValueError("--widths must name at least one layer")
        if self.patience:
            raise ValueError("--patience watches the error, which stands still while layers are learnt: leave it out")

    @property
    def fine_tune_steps(self) -> int:
        """What the layers leave; at least one, so that a schedule has a length."""
        return max(1, self.steps - len(self.widths) * self.pretrain_steps)


def task(settings: StackedAutoencoderSettings, dataset: Dataset) -> Task:
    """The step's number says its stage: a layer's autoencoder, or the fine-tuning of both nets."""
    model, example = model_of(settings, dataset), jnp.zeros((1, *dataset.image_shape))
    rate = settings.pretrain_rate or settings.learning_rate
    layers = ImageSettings(optimizer=settings.optimizer, momentum=settings.momentum, learning_rate=rate)
    layer_optimizer = make_optimizer(layers, settings.pretrain_steps)
    corrupt = corruption_of("masking", settings.masked) if settings.layer == "denoising" else clean
    learn = by_reconstruction(corrupt, settings.contraction if settings.layer == "contractive" else 0.0)
    observe = observe_of(settings)
    return stacked(
        lambda key: model.init(key, example),
        independent_bias(pixel_means(dataset)),
        [layer_phase(number, learn, layer_optimizer, observe=observe) for number in range(len(settings.widths))],
        classifier_loss(settings, settings.in_training(model.apply)),
        pretrain_steps=settings.pretrain_steps,
        layer_optimizer=layer_optimizer,
        optimizer=make_optimizer(settings, settings.fine_tune_steps),
    )


def figures(settings: StackedAutoencoderSettings, dataset: Dataset, params) -> dict:
    """Errors side by side, first layers, and images from every layer back."""
    shown = dataset.head("test", 10_000)
    apply = jax.jit(model_of(settings, dataset).apply)
    wrong = {name: np.argmax(apply(params[name], shown["image"]), axis=-1) != shown["label"] for name in NETS}
    kernels = {name: params[name]["params"]["MLP_0"]["Dense_0"]["kernel"] for name in NETS}
    first, back = jnp.asarray(shown["image"][:16]), partial(there_and_back, images=jnp.asarray(shown["image"][:16]))
    rows = {f"from layer {n}": back(params["stack"][:n]) for n in range(1, len(settings.widths) + 1)}
    return {
        "errors": errors_by_class(shown["label"], {"pre-trained": wrong["pretrained"], "random": wrong["random"]}),
        "filters": filters_of_both(kernels["pretrained"], kernels["random"], dataset.image_shape),
        "reconstructions": image_rows({"original": first} | rows, title="held-out images"),
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
    units={"error": "%", "error_without_pretraining": "%", "reconstruction": "squared error per image"},
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
            "widths": (1000, 1000),
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
    ),
)
