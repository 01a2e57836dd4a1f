"""Amortisation gap: what an encoder loses against variational parameters of every image's own."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt

from experiments.autoencoders import vae
from experiments.evaluations.amortization import fit_posteriors, sampled_elbo
from experiments.autoencoders.amortization_gap.figures import ascent, gaps
from experiments.autoencoders.vae.experiment import VAESettings, model_of, observe_of
from experiments.objectives.variational import likelihood_estimate
from experiments.datasets import Dataset
from experiments.autoencoders.amortization_gap.card import CARD
from experiments.run.experiment import Experiment
from losses.likelihoods import Likelihood
from models.vae import VAE, Gaussian
from train.optimizers import Positive
from train.task import Stream

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class AmortizationGapSettings(VAESettings):
    """Amortisation gap of a variational autoencoder."""

    binarization: Literal["none", "static"] = "static"
    """static: bits drawn once from the intensities"""
    importance_samples: Count = 1000
    """samples of the importance-weighted bound, and of each ELBO that is compared"""
    fit_steps: Count = 500
    """steps of ascent for the parameters of one image"""
    fit_rate: Positive = 0.05
    """their learning rate at the beginning"""
    fit_samples: Count = 4
    """draws of the latent in each of these steps"""


def fitted(settings: AmortizationGapSettings, model: VAE, likelihood: Likelihood, params, images, keys) -> dict:
    """By where the ascent starts, the posteriors of the images and their bounds at each step."""
    amortized = model.apply(params, images, method="encode")
    starts = {"encoder": amortized, "prior": jax.tree.map(jnp.zeros_like, amortized)}

    def decode(latents):
        return model.apply(params, latents, method="decode")

    bound = sampled_elbo(decode, likelihood, images, samples=settings.fit_samples)
    rates = {"steps": settings.fit_steps, "learning_rate": settings.fit_rate}
    return {name: fit_posteriors(bound, start, keys, **rates) for name, start in starts.items()}


def elbo_of(settings: AmortizationGapSettings, model: VAE, likelihood: Likelihood, params, images, keys):
    """The function of posteriors that measures their ELBO, with the same draws for all."""

    def measure(posterior: Gaussian):
        def once(number):
            bound = sampled_elbo(
                lambda latents: model.apply(params, latents, method="decode"), likelihood, images, samples=1
            )
            return bound(posterior, jax.vmap(jax.random.fold_in, (0, None))(keys, number))

        return jax.lax.map(once, jnp.arange(settings.importance_samples), batch_size=20).mean(axis=0)

    return measure


def evaluate(settings: AmortizationGapSettings, dataset: Dataset):
    """The ELBO with the encoder's posterior and with fitted ones, the gaps, and the importance-weighted NLL."""
    model, likelihood = model_of(settings, dataset)
    estimate = likelihood_estimate(model.apply, likelihood, observe_of(settings), samples=settings.importance_samples)

    def metric_fn(params, batch, keys):
        images = batch["image"]
        fitting, fresh = (jax.vmap(jax.random.fold_in, (0, None))(keys, stream) for stream in (1, 2))
        own = fitted(settings, model, likelihood, params, images, fitting)
        measure = elbo_of(settings, model, likelihood, params, images, fresh)
        encoder = measure(model.apply(params, images, method="encode"))
        refined, scratch = measure(own["encoder"][0]), measure(own["prior"][0])
        nll = estimate(params, batch, keys)["nll"]
        return {
            "elbo": encoder,
            "elbo_refined": refined,
            "elbo_from_prior": scratch,
            "amortization_gap": refined - encoder,
            "amortization_gap_from_prior": scratch - encoder,
            "approximation_gap": -nll - refined,
            "nll": nll,
        }

    return metric_fn


def figures(settings: AmortizationGapSettings, dataset: Dataset, params) -> dict:
    """The ascent from both starts, and the gap of every image."""
    model, likelihood = model_of(settings, dataset)
    images = jnp.asarray(dataset.head("test", 250)["image"])
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    keys = jax.random.split(key, len(images))
    own = jax.jit(lambda p: fitted(settings, model, likelihood, p, images, keys))(params)
    measured = jax.jit(evaluate(settings, dataset))(params, {"image": images}, keys)
    curves = {start: np.asarray(bounds.mean(axis=1)) for start, (_, bounds) in own.items()}
    levels = {"encoder": float(measured["elbo"].mean()), "likelihood": -float(measured["nll"].mean())}
    return {
        "ascent": ascent(curves, **levels),
        "gaps": gaps(np.asarray(measured["amortization_gap"]), np.asarray(measured["approximation_gap"])),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=AmortizationGapSettings,
    data=AmortizationGapSettings.load,
    task=vae.task,
    monitor=vae.loss_of,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={
        "loss": "nats",
        "kl": "nats",
        "elbo": "nats",
        "elbo_refined": "nats",
        "elbo_from_prior": "nats",
        "amortization_gap": "nats",
        "amortization_gap_from_prior": "nats",
        "approximation_gap": "nats",
        "nll": "nats",
    },
)
