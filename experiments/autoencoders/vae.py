"""Variational autoencoder: trained on the ELBO or the importance-weighted bound, measured by its log-likelihood.

Paper: Kingma & Welling 2014; protocol of the ``paper`` presets: Burda et al. 2016, section 5 (MNIST binarised anew at
each use, two hidden layers of 200 tanh units, 50 latents, batches of 20, 3,280 epochs of a falling rate, NLL from 5,000
samples). Claim: an amortised Gaussian posterior trained on the ELBO gives a generative model of MNIST at 86.76 nats;
trained on the importance-weighted bound of 50 samples (``--preset iwae``), one at 84.78.
Command: ``lectern run vae`` (digits, about 30 s on two CPU cores);
``lectern run vae --preset paper --data-dir MNIST`` (86.76 nats after 9,840,000 steps; hours on a CPU).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt

from experiments.autoencoders.latent_figures import latent_figures
from experiments.autoencoders.variational import (
    as_they_are,
    count_active_units,
    likelihood_estimate,
    negative_elbo,
    negative_importance_weighted_bound,
    redrawn_bits,
)
from experiments.datasets import Dataset
from experiments.registry import Experiment, Reference
from experiments.settings import ImageSettings
from losses.collapse import linear_warmup
from losses.likelihoods import LIKELIHOODS, Likelihood
from models.vae import VAE, conv_vae, mlp_vae
from train.optimizers import NotNegative, make_optimizer
from train.task import LossFn, LossOfStep, Stream, Task, annealed

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class VAESettings(ImageSettings):
    """Variational autoencoder."""

    steps: Count = 4000
    network: Literal["mlp", "conv"] = "mlp"
    """dense layers, or convolutions of stride 2 and their mirror image"""
    latent: Count = 8
    """dimensions of the latent"""
    widths: tuple[Count, ...] = (256, 256)
    """hidden units of the dense layers, or channels of the convolutions"""
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    """activation of the dense layers"""
    likelihood: Literal["bernoulli", "gaussian", "categorical"] = "bernoulli"
    """what the decoder's numbers parameterise"""
    objective: Literal["elbo", "iwae"] = "elbo"
    """what is maximised: the ELBO, or the importance-weighted bound"""
    samples: Count = 1
    """latent samples per example in the objective"""
    beta: Annotated[float, Gt(0)] = 1.0
    """weight of the KL term"""
    beta_warmup: Annotated[int, Ge(0)] = 0
    """steps over which that weight rises linearly from 0"""
    free_bits: NotNegative = 0.0
    """nats of KL that cost nothing in each dimension of the latent, on average over a batch"""
    importance_samples: Count = 500
    """samples of the importance-weighted bound that is reported as NLL"""

    def __post_init__(self):
        super().__post_init__()
        if self.likelihood != "bernoulli" and self.binarization != "none":
            raise ValueError(f"--likelihood {self.likelihood} models grey values: add --binarization none")
        if self.objective == "iwae" and (self.beta != 1 or self.beta_warmup or self.free_bits):
            raise ValueError("--objective iwae has no KL term: leave out --beta, --beta-warmup and --free-bits")
        if self.free_bits and self.accumulate > 1:
            raise ValueError("--free-bits is a function of the whole batch: leave out --accumulate")


def model_of(settings: VAESettings, dataset: Dataset) -> tuple[VAE, Likelihood]:
    """The network, and the likelihood that its decoder parameterises."""
    likelihood = LIKELIHOODS[settings.likelihood](dataset.levels)
    shape = {"image_shape": dataset.image_shape, "outputs": likelihood.outputs, "latent": settings.latent}
    if settings.network == "conv":
        return conv_vae(channels=settings.widths, **shape), likelihood
    return mlp_vae(widths=settings.widths, activation=settings.activation, **shape), likelihood


def observe_of(settings: VAESettings):
    """Bits are redrawn at each use where binarisation is stochastic."""
    return redrawn_bits if settings.binarization == "stochastic" else as_they_are


def bound_of(settings: VAESettings, dataset: Dataset, *, beta, free: float) -> LossFn:
    """The negative of the bound that is maximised, with these weights of its KL term."""
    model, likelihood = model_of(settings, dataset)
    given = settings.in_training(model.apply), likelihood, observe_of(settings)
    if settings.objective == "iwae":
        return negative_importance_weighted_bound(*given, samples=settings.samples)
    return negative_elbo(*given, samples=settings.samples, beta=beta, free=free)


def loss_of(settings: VAESettings, dataset: Dataset) -> LossFn:
    """The same after the warm-up, every bit of it paid for."""
    return bound_of(settings, dataset, beta=settings.beta, free=0.0)


def loss_of_step(settings: VAESettings, dataset: Dataset) -> LossOfStep:
    """What a step of training minimises."""

    def loss_at(step) -> LossFn:
        warm = linear_warmup(step.astype(float), steps=settings.beta_warmup) if settings.beta_warmup else 1.0
        return bound_of(settings, dataset, beta=settings.beta * warm, free=settings.free_bits)

    return loss_at


def task(settings: VAESettings, dataset: Dataset) -> Task:
    """Trains encoder and decoder together."""
    model, _ = model_of(settings, dataset)
    example = jnp.zeros((1, *dataset.image_shape))
    optimizer = make_optimizer(settings, settings.steps)
    return annealed(loss_of_step(settings, dataset), lambda key: model.init(key, example), optimizer)


def evaluate(settings: VAESettings, dataset: Dataset):
    """ELBO, importance-weighted NLL and KL of held-out images, and the active units of the latent."""
    model, likelihood = model_of(settings, dataset)
    observe = observe_of(settings)
    estimate = likelihood_estimate(model.apply, likelihood, observe, samples=settings.importance_samples)
    active = count_active_units(model.apply, observe, jnp.asarray(dataset.head("test", 1000)["image"]))

    def metric_fn(params, batch, keys):
        metrics = estimate(params, batch, keys)
        return metrics | {"active_units": jnp.broadcast_to(active(params), metrics["elbo"].shape)}

    return metric_fn


def figures(settings: VAESettings, dataset: Dataset, params) -> dict:
    """Samples, reconstructions and the latent manifold."""
    model, likelihood = model_of(settings, dataset)
    return latent_figures(
        lambda images: model.apply(params, images, method="encode"),
        lambda latents: likelihood.mean(model.apply(params, latents, method="decode")),
        jnp.asarray(dataset.head("test", 500)["image"]),
        key=jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES),
    )


EXPERIMENT = Experiment(
    systems=("A12", "A14", "A15"),
    settings=VAESettings,
    data=VAESettings.load,
    task=task,
    monitor=loss_of,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "elbo": "nats", "nll": "nats", "kl": "nats", "active_units": "units"},
    presets={
        "default": {},
        "smoke": {"steps": 20, "chunk": 5, "evaluate_every": 10, "save_every": 10, "importance_samples": 10},
        "conv": {"network": "conv", "widths": (16, 32), "steps": 2000, "chunk": 10},
        "paper": {
            "data": "mnist",
            "train_on": "train+valid",
            "widths": (200, 200),
            "activation": "tanh",
            "latent": 50,
            "batch_size": 20,
            "epsilon": 1e-4,
            "schedule": "step",
            "decay_steps": (3000, 12000, 39000, 120000, 363000, 1092000, 3279000),
            "decay_factor": 0.7196856730011520,
            "steps": 9840000,
            "chunk": 1000,
            "evaluate_every": 60000,
            "save_every": 60000,
            "importance_samples": 5000,
        },
        "iwae": {
            "data": "mnist",
            "objective": "iwae",
            "samples": 50,
            "train_on": "train+valid",
            "widths": (200, 200),
            "activation": "tanh",
            "latent": 50,
            "batch_size": 20,
            "epsilon": 1e-4,
            "schedule": "step",
            "decay_steps": (3000, 12000, 39000, 120000, 363000, 1092000, 3279000),
            "decay_factor": 0.7196856730011520,
            "steps": 9840000,
            "chunk": 1000,
            "evaluate_every": 60000,
            "save_every": 60000,
            "importance_samples": 5000,
        },
        "paper_fixed": {
            "data": "mnist",
            "binarization": "static",
            "train_on": "train+valid",
            "widths": (200, 200),
            "activation": "tanh",
            "latent": 50,
            "batch_size": 20,
            "epsilon": 1e-4,
            "schedule": "step",
            "decay_steps": (3000, 12000, 39000, 120000, 363000, 1092000, 3279000),
            "decay_factor": 0.7196856730011520,
            "steps": 9840000,
            "chunk": 1000,
            "evaluate_every": 60000,
            "save_every": 60000,
            "importance_samples": 5000,
        },
        "iwae_fixed": {
            "data": "mnist",
            "objective": "iwae",
            "samples": 50,
            "binarization": "static",
            "train_on": "train+valid",
            "widths": (200, 200),
            "activation": "tanh",
            "latent": 50,
            "batch_size": 20,
            "epsilon": 1e-4,
            "schedule": "step",
            "decay_steps": (3000, 12000, 39000, 120000, 363000, 1092000, 3279000),
            "decay_factor": 0.7196856730011520,
            "steps": 9840000,
            "chunk": 1000,
            "evaluate_every": 60000,
            "save_every": 60000,
            "importance_samples": 5000,
        },
    },
    references=(
        Reference(
            metric="nll",
            value=86.76,
            unit="nats",
            source="Burda et al. 2016, table 1",
            protocol="stochastically binarised MNIST; 5,000-sample importance estimate",
            preset="paper",
        ),
        Reference(
            metric="nll",
            value=84.78,
            unit="nats",
            source="Burda et al. 2016, table 1",
            protocol="stochastically binarised MNIST; IWAE of 50 samples; 5,000-sample importance estimate",
            preset="iwae",
        ),
        Reference(
            metric="nll",
            value=89.9,
            unit="nats",
            source="Rezende & Mohamed 2015",
            protocol="fixed binarisation, ours; another network there, and 200 samples; figure from secondary text",
            preset="paper_fixed",
        ),
        Reference(
            metric="nll",
            value=87.1,
            unit="nats",
            source="Burda et al. 2016, appendix",
            protocol="fixed binarisation, ours; IWAE of 50 samples; figure from secondary text",
            preset="iwae_fixed",
        ),
    ),
)
