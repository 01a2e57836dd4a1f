"""Deterministic autoencoders by settings: the groups that their experiments share, and the losses that these name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
from annotated_types import Gt

from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.autoencoder import AutoencoderNetwork
from experiments.networks.training import NetworkTraining, without_noise
from experiments.objectives.observation import Observe, corruption_of
from experiments.objectives.reconstruction import Penalties, reconstruction_loss
from experiments.run.settings import Flat, Settings
from models.autoencoder import Autoencoder
from train.optimizers import Fraction, NotNegative, Optimization, make_optimizer
from train.task import LossFn, Task, supervised


@dataclass(frozen=True, kw_only=True)
class ReconstructionObjective:
    """What is restored from what, and what a code is punished for."""

    corruption: Literal["none", "gaussian", "masking", "salt_and_pepper"] = "none"
    """what is done to an image before it is encoded in training"""
    corruption_level: Fraction = 0.3
    """standard deviation of the noise, or share of the pixels"""
    activity: NotNegative = 0.0
    """weight of the sum of a code's absolute values"""
    sparsity: NotNegative = 0.0
    """weight of the distance between each unit's mean activation over a batch and the target"""
    sparsity_distance: Literal["kl", "l1", "l2"] = "kl"
    """that distance"""
    target_activation: Annotated[Fraction, Gt(0)] = 0.05
    """that target"""
    contraction: NotNegative = 0.0
    """weight of the squared norm of the code's Jacobian in the image"""

    def idle(self) -> dict[str, str]:
        """Details of what is off."""
        off = {} if self.sparsity else dict.fromkeys(("sparsity_distance", "target_activation"), "without --sparsity")
        return off | ({"corruption_level": "without --corruption"} if self.corruption == "none" else {})

    @property
    def corrupt(self) -> Observe:
        """What is done to an image before it is encoded."""
        return corruption_of(self.corruption, self.corruption_level)


@dataclass(frozen=True, kw_only=True)
class AutoencodingSettings(Settings):
    """A deterministic autoencoder of images."""

    images: Flat[GreyImageData] = GreyImageData()
    architecture: Flat[AutoencoderNetwork] = AutoencoderNetwork()
    objective: Flat[ReconstructionObjective] = ReconstructionObjective()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()

    def __post_init__(self):
        super().__post_init__()
        objective, code_activation = self.objective, self.architecture.code_activation
        if objective.sparsity and objective.sparsity_distance == "kl" and code_activation != "sigmoid":
            raise ValueError("--sparsity-distance kl compares probabilities: add --code-activation sigmoid")
        if objective.sparsity and self.parts > 1:
            raise ValueError("--sparsity is a function of the whole batch: leave out --accumulate")

    @property
    def penalties(self) -> Penalties:
        """The penalties and their weights."""
        objective = self.objective
        return Penalties(
            activity=objective.activity,
            sparsity=objective.sparsity,
            distance=objective.sparsity_distance,
            target=objective.target_activation,
            contraction=objective.contraction,
            closed_form=self.architecture.is_sigmoid_layer,
        )


def network(settings: AutoencodingSettings, dataset: Dataset) -> Autoencoder:
    """Encoder and decoder."""
    return settings.architecture.build(dataset).network


def autoencoding_loss(
    settings: AutoencodingSettings, dataset: Dataset, apply: Callable, penalties: Penalties
) -> LossFn:
    """The loss of restoring what was corrupted; ``apply(keys, params, …)`` is the network's."""
    likelihood = settings.architecture.build(dataset).likelihood
    return reconstruction_loss(apply, likelihood, settings.objective.corrupt, penalties)


def training_loss(settings: AutoencodingSettings, dataset: Dataset) -> LossFn:
    """What a step of training minimises."""
    apply = settings.training.wrap(network(settings, dataset).apply)
    return autoencoding_loss(settings, dataset, apply, settings.penalties)


def held_out_loss(settings: AutoencodingSettings, dataset: Dataset) -> LossFn:
    """The same without dropout, and without the penalty that a batch has as a whole."""
    apply = without_noise(network(settings, dataset).apply)
    return autoencoding_loss(settings, dataset, apply, settings.penalties.of_an_example)


def autoencoding_task(settings: AutoencodingSettings, dataset: Dataset) -> Task:
    """Trains encoder and decoder together."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(training_loss(settings, dataset), lambda key: model.init(key, example), optimizer)
