"""Variational autoencoders by settings: the groups that their experiments share, and the losses that these name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Int

from experiments.datasets import Dataset
from experiments.datasets.settings import ImageData
from experiments.networks.training import NetworkTraining, without_noise
from experiments.networks.vae import VAENetwork
from experiments.objectives.evidence_bounds import negative_elbo, negative_importance_weighted_bound
from experiments.objectives.observation import Observe, observation
from experiments.run.settings import Count, Flat, Settings
from losses.collapse import linear_warmup
from models.vae import VAE
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.task import LossFn, LossOfStep, Task, annealed


@dataclass(frozen=True, kw_only=True)
class VariationalObjective:
    """What is maximised."""

    objective: Literal["elbo", "iwae"] = "elbo"
    """the ELBO, or the importance-weighted bound"""
    samples: Count = 1
    """latent samples per example in the objective"""
    beta: Annotated[float, Gt(0)] = 1.0
    """weight of the KL term"""
    beta_warmup: Annotated[int, Ge(0)] = 0
    """steps over which that weight rises linearly from 0"""
    free_bits: NotNegative = 0.0
    """nats of KL that cost nothing in each dimension of the latent, on average over a batch"""

    def idle(self) -> dict[str, str]:
        """The importance-weighted bound has no KL term."""
        reason = "with --objective iwae, which has no KL term"
        return dict.fromkeys(("beta", "beta_warmup", "free_bits"), reason) if self.objective == "iwae" else {}


@dataclass(frozen=True, kw_only=True)
class VariationalSettings(Settings):
    """A variational autoencoder of images."""

    images: Flat[ImageData] = ImageData()
    architecture: Flat[VAENetwork] = VAENetwork()
    bound: Flat[VariationalObjective] = VariationalObjective()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()

    def __post_init__(self):
        super().__post_init__()
        likelihood = self.architecture.likelihood
        if likelihood != "bernoulli" and self.images.binarization != "none":
            raise ValueError(f"--likelihood {likelihood} models grey values: add --binarization none")
        if self.bound.free_bits and self.parts > 1:
            raise ValueError("--free-bits is a function of the whole batch: leave out --accumulate")

    @property
    def observe(self) -> Observe:
        """Bits are drawn anew at each use where binarisation is stochastic."""
        return observation(self.images.binarization)


def network(settings: VariationalSettings, dataset: Dataset) -> VAE:
    """Encoder and decoder."""
    return settings.architecture.build(dataset).network


def bound_loss(
    settings: VariationalSettings,
    dataset: Dataset,
    apply: Callable,
    *,
    beta: float | Float[Array, ""],
    free_bits: float,
) -> LossFn:
    """The negative of the bound that is maximised, with these weights of its KL term; ``apply(keys, params, …)``."""
    given = apply, settings.architecture.build(dataset).likelihood, settings.observe
    if settings.bound.objective == "iwae":
        return negative_importance_weighted_bound(*given, samples=settings.bound.samples)
    return negative_elbo(*given, samples=settings.bound.samples, beta=beta, free=free_bits)


def held_out_loss(settings: VariationalSettings, dataset: Dataset) -> LossFn:
    """The negative bound after the warm-up, without dropout and without free bits."""
    apply = without_noise(network(settings, dataset).apply)
    return bound_loss(settings, dataset, apply, beta=settings.bound.beta, free_bits=0.0)


def training_loss(settings: VariationalSettings, dataset: Dataset) -> LossOfStep:
    """What a step of training minimises."""
    apply, bound = settings.training.wrap(network(settings, dataset).apply), settings.bound

    def loss_at(step: Int[Array, ""]) -> LossFn:
        warm = linear_warmup(step.astype(float), steps=bound.beta_warmup) if bound.beta_warmup else 1.0
        return bound_loss(settings, dataset, apply, beta=bound.beta * warm, free_bits=bound.free_bits)

    return loss_at


def variational_task(settings: VariationalSettings, dataset: Dataset) -> Task:
    """Trains encoder and decoder together."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return annealed(training_loss(settings, dataset), lambda key: model.init(key, example), optimizer)
