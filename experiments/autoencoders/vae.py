"""Variational autoencoder: ELBO training, importance-weighted log-likelihood.

Paper: Kingma & Welling 2014; protocol of the ``paper`` preset: Burda et al. 2016, section 5 (MNIST binarised anew at
each use, two hidden layers of 200 tanh units, 50 latents, batches of 20, 3,280 epochs of a falling rate, NLL from 5,000
samples). Claim: an amortised Gaussian posterior trained on the ELBO gives a generative model of MNIST at 86.76 nats.
Command: ``lectern run vae`` (digits, about 30 s on two CPU cores);
``lectern run vae --preset paper --data-dir MNIST`` (86.76 nats after 9,840,000 steps; hours on a CPU).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Gt

from experiments.autoencoders.latent_figures import latent_figures
from experiments.autoencoders.variational import as_they_are, likelihood_estimate, negative_elbo, redrawn_bits
from experiments.datasets import Dataset
from experiments.registry import Experiment, Reference
from experiments.settings import ImageSettings
from losses.likelihoods import LIKELIHOODS, Likelihood
from models.vae import VAE, conv_vae, mlp_vae
from train.optimizers import make_optimizer
from train.task import Stream, Task, supervised

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
    samples: Count = 1
    """latent samples per example in the training ELBO"""
    beta: Annotated[float, Gt(0)] = 1.0
    """weight of the KL term"""
    importance_samples: Count = 500
    """samples of the importance-weighted bound that is reported as NLL"""

    def __post_init__(self):
        super().__post_init__()
        if self.likelihood != "bernoulli" and self.binarization != "none":
            raise ValueError(f"--likelihood {self.likelihood} models grey values: add --binarization none")


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


def loss_of(settings: VAESettings, dataset: Dataset):
    """The negative ELBO."""
    model, likelihood = model_of(settings, dataset)
    apply = settings.in_training(model.apply)
    return negative_elbo(apply, likelihood, observe_of(settings), samples=settings.samples, beta=settings.beta)


def task(settings: VAESettings, dataset: Dataset) -> Task:
    """Trains encoder and decoder together."""
    model, _ = model_of(settings, dataset)
    example = jnp.zeros((1, *dataset.image_shape))
    optimizer = make_optimizer(settings, settings.steps)
    return supervised(loss_of(settings, dataset), lambda key: model.init(key, example), optimizer)


def evaluate(settings: VAESettings, dataset: Dataset):
    """ELBO, importance-weighted NLL and KL of held-out images."""
    model, likelihood = model_of(settings, dataset)
    return likelihood_estimate(model.apply, likelihood, observe_of(settings), samples=settings.importance_samples)


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
    systems=("A12", "A14"),
    settings=VAESettings,
    data=VAESettings.load,
    task=task,
    monitor=loss_of,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "elbo": "nats", "nll": "nats", "kl": "nats"},
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
    ),
)
