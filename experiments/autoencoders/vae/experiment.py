"""Variational autoencoder: trained on the ELBO or the importance-weighted bound, measured by its log-likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jax
from jaxtyping import Array, Key

from experiments.autoencoders.vae.card import CARD
from experiments.datasets import Dataset
from experiments.evaluations.codec import Codec
from experiments.objectives.evidence_bounds import count_active_units, likelihood_estimate
from experiments.objectives.variational import VariationalSettings, held_out_loss, network, variational_task
from experiments.plots.latent import latent_figures
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, Sampler, WayOptions
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation
from losses.metrics.aggregate_posterior import aggregate_posterior_surgery
from models.vae import sample_gaussian
from train.evaluation import MetricFn, WholeSet
from train.optimizers import NotNegative
from train.task import Params, Stream, stream_key


@dataclass(frozen=True, kw_only=True)
class VAESettings(VariationalSettings):
    """Variational autoencoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)
    importance_samples: Annotated[Count, OfEvaluation] = 500
    """samples of the importance-weighted bound that is reported as NLL"""


def evaluate(settings: VAESettings, dataset: Dataset) -> MetricFn:
    """ELBO, importance-weighted NLL and KL of held-out images."""
    model, likelihood = settings.architecture.build(dataset)
    return likelihood_estimate(model.apply, likelihood, settings.observe, samples=settings.importance_samples)


def evaluate_whole(settings: VAESettings, dataset: Dataset) -> WholeSet:
    """The active units of the latent, and the KL from posteriors to the prior in its two parts: what a latent says of
    its image, and how far all posteriors together are from the prior.
    """
    images = dataset.head("test", 1000)["image"]
    apply = network(settings, dataset).apply
    counted = count_active_units(apply, settings.observe, images)

    def measure(params, images, key):
        observed_key, latent_key = jax.random.split(key)
        observed = jax.vmap(settings.observe)(jax.random.split(observed_key, len(images)), images)
        posterior = apply(params, observed, method="encode")
        latents = jax.vmap(sample_gaussian)(jax.random.split(latent_key, len(images)), posterior)
        parts = aggregate_posterior_surgery(latents, *posterior)
        found = {"latent_information": parts.information, "aggregate_kl": parts.divergence}
        return counted.measure(params, images, key) | found

    return counted._replace(measure=measure)


def codec(settings: VAESettings, dataset: Dataset, params: Params) -> Codec:
    """The posterior's mean, and expected images."""
    return settings.architecture.build(dataset).codec(params)


def figures(settings: VAESettings, dataset: Dataset, params: Params) -> dict:
    """Samples, reconstructions and the latent manifold."""
    model = network(settings, dataset)
    return latent_figures(
        lambda params, images: model.apply(params, images, method="encode"),
        lambda params, latents: codec(settings, dataset, params).decode(latents),
        params,
        dataset.head("test", 500)["image"],
        key=stream_key(settings.seeds.seed, Stream.FIGURES),
    )


@dataclass(frozen=True, kw_only=True)
class LatentOptions(WayOptions):
    """How latents are drawn."""

    temperature: NotNegative = 1.0
    """standard deviation of the latents that are decoded; the prior's is 1"""


def draw(settings: VAESettings, dataset: Dataset, options: LatentOptions, params: Params) -> Callable:
    """The expected image of a latent drawn from the prior; and those on the way to another's."""
    decode = codec(settings, dataset, params).decode

    def from_prior(key: Key[Array, ""]) -> Example:
        ends = options.temperature * jax.random.normal(key, (2, settings.architecture.latent))
        image = {"image": decode(ends[:1])[0]}
        return image | {"interpolation": decode(options.between(ends))} if options.interpolation else image

    return from_prior


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
    units=dict.fromkeys(("loss", "elbo", "nll", "kl", "reconstruction", "latent_information", "aggregate_kl"), "nats")
    | {"active_units": "units"},
    network=network,
    codec=codec,
    sampler=Sampler(draw=draw, options=LatentOptions),
)
