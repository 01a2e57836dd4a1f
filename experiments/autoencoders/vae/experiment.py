"""Variational autoencoder: trained on the ELBO or the importance-weighted bound, measured by its log-likelihood."""

from dataclasses import dataclass

import jax

from experiments.autoencoders.vae.card import CARD
from experiments.datasets import Dataset
from experiments.evaluations.codec import Codec
from experiments.objectives.evidence_bounds import count_active_units, likelihood_estimate
from experiments.objectives.variational import VariationalSettings, held_out_loss, network, variational_task
from experiments.plots.latent import latent_figures
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings
from train.evaluation import MetricFn, WholeSet
from train.task import Params, Stream


@dataclass(frozen=True, kw_only=True)
class VAESettings(VariationalSettings):
    """Variational autoencoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)
    importance_samples: Count = 500
    """samples of the importance-weighted bound that is reported as NLL"""


def evaluate(settings: VAESettings, dataset: Dataset) -> MetricFn:
    """ELBO, importance-weighted NLL and KL of held-out images."""
    model, likelihood = settings.architecture.build(dataset)
    return likelihood_estimate(model.apply, likelihood, settings.observe, samples=settings.importance_samples)


def evaluate_whole(settings: VAESettings, dataset: Dataset) -> WholeSet:
    """The active units of the latent."""
    images = dataset.head("test", 1000)["image"]
    return count_active_units(network(settings, dataset).apply, settings.observe, images)


def codec(settings: VAESettings, dataset: Dataset, params: Params) -> Codec:
    """The posterior's mean, and expected images."""
    return settings.architecture.build(dataset).codec(params)


def figures(settings: VAESettings, dataset: Dataset, params: Params) -> dict:
    """Samples, reconstructions and the latent manifold."""
    model = network(settings, dataset)
    return latent_figures(
        lambda images: model.apply(params, images, method="encode"),
        codec(settings, dataset, params).decode,
        jax.device_put(dataset.head("test", 500)["image"]),
        key=jax.random.fold_in(jax.random.key(settings.seeds.seed), Stream.FIGURES),
    )


EXPERIMENT = Experiment(
    card=CARD,
    settings=VAESettings,
    data=lambda settings: settings.images.load(),
    task=variational_task,
    monitor=held_out_loss,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "elbo": "nats", "nll": "nats", "kl": "nats", "active_units": "units"},
    network=network,
    codec=codec,
)
