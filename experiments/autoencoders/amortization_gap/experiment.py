"""Amortisation gap: what an encoder loses against variational parameters of every image's own."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from experiments.autoencoders.amortization_gap.card import CARD
from experiments.autoencoders.amortization_gap.figures import ascent, gaps
from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.amortization import InferenceDraw, fit_posteriors, mean_elbo, sampled_elbo
from experiments.evaluations.codec import Codec
from experiments.objectives.evidence_bounds import likelihood_estimate
from experiments.objectives.observation import drawing
from experiments.objectives.variational import VariationalSettings, held_out_loss, network, variational_task
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation
from train.evaluation import MetricFn, example_keys
from train.optimizers import Positive
from train.task import Batch, Metrics, Params


@dataclass(frozen=True, kw_only=True)
class AmortizationGapSettings(VariationalSettings):
    """Amortisation gap of a variational autoencoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)
    images: Flat[GreyImageData] = GreyImageData(binarization="static")
    importance_samples: Annotated[Count, OfEvaluation] = 1000
    """samples of the importance-weighted bound, and of each ELBO that is compared"""
    fit_steps: Annotated[Count, OfEvaluation] = 500
    """steps of ascent for the parameters of one image"""
    fit_rate: Annotated[Positive, OfEvaluation] = 0.05
    """their learning rate at the beginning"""
    fit_samples: Annotated[Count, OfEvaluation] = 4
    """draws of the latent in each of these steps"""


class Inference(NamedTuple):
    """What is measured of images, and the bounds along the ascent, by where it starts."""

    metrics: Metrics
    ascents: dict[str, Float[Array, "steps images"]]


def infer(
    settings: AmortizationGapSettings, dataset: Dataset, params: Params, batch: Batch, keys: Key[Array, " batch"]
) -> Inference:
    """The ELBO with the encoder's posterior and with posteriors of each image's own, which are fitted from the
    encoder's output and from the prior; the gaps; and the importance-weighted NLL.
    """
    model, likelihood = settings.architecture.build(dataset)
    images, samples = batch["image"], settings.importance_samples
    decode = partial(model.apply, params, method="decode")
    amortized = model.apply(params, images, method="encode")
    bound = sampled_elbo(decode, likelihood, images, samples=settings.fit_samples)
    fit = partial(fit_posteriors, bound, steps=settings.fit_steps, learning_rate=settings.fit_rate)
    fit_keys = drawing(keys, InferenceDraw.FIT)
    refined, from_encoder = fit(amortized, fit_keys)
    own, from_prior = fit(jax.tree.map(jnp.zeros_like, amortized), fit_keys)
    measure = mean_elbo(decode, likelihood, images, drawing(keys, InferenceDraw.MEASURE), samples=samples)
    elbo, elbo_refined, elbo_from_prior = (measure(posterior) for posterior in (amortized, refined, own))
    estimate = likelihood_estimate(model.apply, likelihood, settings.observe, samples=samples)
    nll = estimate(params, batch, keys)["nll"]
    metrics = {
        "elbo": elbo,
        "elbo_refined": elbo_refined,
        "elbo_from_prior": elbo_from_prior,
        "amortization_gap": elbo_refined - elbo,
        "amortization_gap_from_prior": elbo_from_prior - elbo,
        "approximation_gap": -nll - elbo_refined,
        "nll": nll,
    }
    return Inference(metrics, {"encoder": from_encoder, "prior": from_prior})


def evaluate(settings: AmortizationGapSettings, dataset: Dataset) -> MetricFn:
    """The bounds, and the gaps between them."""
    return lambda params, batch, keys: infer(settings, dataset, params, batch, keys).metrics


def codec(settings: AmortizationGapSettings, dataset: Dataset, params: Params) -> Codec:
    """The posterior's mean, and expected images."""
    return settings.architecture.build(dataset).codec(params)


def figures(settings: AmortizationGapSettings, dataset: Dataset, params: Params) -> dict:
    """The ascent from both starts, and the gap of every image."""
    images = jax.device_put(dataset.head("test", 250)["image"])
    keys = example_keys(jax.random.key(settings.seeds.seed), jnp.arange(len(images)))
    measured, ascents = jax.jit(partial(infer, settings, dataset))(params, {"image": images}, keys)
    curves = {start: np.asarray(bounds.mean(axis=1)) for start, bounds in ascents.items()}
    levels = {"encoder": float(measured["elbo"].mean()), "likelihood": -float(measured["nll"].mean())}
    return {
        "ascent": ascent(curves, **levels),
        "gaps": gaps(np.asarray(measured["amortization_gap"]), np.asarray(measured["approximation_gap"])),
    }


GAPS = ("amortization_gap", "amortization_gap_from_prior", "approximation_gap")
BOUNDS = ("elbo", "elbo_refined", "elbo_from_prior", "nll")

EXPERIMENT = Experiment(
    card=CARD,
    settings=AmortizationGapSettings,
    data=lambda settings: settings.images.load(),
    task=variational_task,
    monitor=held_out_loss,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units=dict.fromkeys(("loss", "kl", "reconstruction", *BOUNDS, *GAPS), "nats"),
    network=network,
    codec=codec,
)
