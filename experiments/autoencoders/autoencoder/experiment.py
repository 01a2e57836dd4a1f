"""Autoencoder: linear, deep, sparse, k-sparse, denoising and contractive, as choices of one model's parts."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from experiments.autoencoders.autoencoder.card import CARD
from experiments.datasets import Dataset
from experiments.evaluations.codec import FITTED_ON, Codec, training_pca
from experiments.objectives.autoencoding import AutoencodingSettings, autoencoding_task, held_out_loss, network
from experiments.objectives.reconstruction import reconstruction_metrics, squared_error
from experiments.plots.codes import code_planes
from experiments.plots.filters import filter_grid
from experiments.plots.images import image_rows
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings
from losses.sparsity import SPARSITIES
from models.autoencoder import Autoencoder, first_kernel
from models.pca import fit_pca, largest_principal_angle
from train.evaluation import MetricFn, WholeSet
from train.task import Params, Stream, stream_key


@dataclass(frozen=True, kw_only=True)
class AutoencoderSettings(AutoencodingSettings):
    """Autoencoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)


def evaluate(settings: AutoencoderSettings, dataset: Dataset) -> MetricFn:
    """Reconstruction beside PCA's with a code of the same size."""
    model, likelihood = settings.architecture.build(dataset)
    metric_fn = reconstruction_metrics(model.apply, likelihood, settings.objective.corrupt)
    pca = training_pca(dataset, settings.architecture.latent)

    def measure(params, batch, keys):
        error = jax.vmap(squared_error)(batch["image"], pca.reconstruct(batch["image"]))
        return metric_fn(params, batch, keys) | {"pca_squared_error": error}

    return measure


def evaluate_whole(settings: AutoencoderSettings, dataset: Dataset) -> WholeSet:
    """How far the mean activations are from their target where they have one; of a linear autoencoder the angle to
    PCA's subspace.
    """
    architecture, objective = settings.architecture, settings.objective
    model = network(settings, dataset)

    def measure(params, images, key):
        measured = {}
        if objective.sparsity:
            encode = partial(model.apply, params, method="encode")
            code = jax.lax.map(lambda image: encode(image[None])[0], images["test"], batch_size=250)
            distance = SPARSITIES[objective.sparsity_distance]
            measured["sparsity_distance"] = distance(code.mean(axis=0), target=objective.target_activation)
        if architecture.is_linear and architecture.likelihood == "unit_gaussian":
            flat = images["train"].reshape(len(images["train"]), -1)
            components = fit_pca(flat, components=architecture.latent).components
            directions = decoded_directions(model, architecture.latent, params)
            measured["angle_to_pca"] = largest_principal_angle(directions, components)
        return measured

    splits = {"train": dataset.head("train", FITTED_ON)["image"], "test": dataset.head("test", FITTED_ON)["image"]}
    return WholeSet(splits, measure)


def decoded_directions(model: Autoencoder, latent: int, params: Params):
    """What each unit of a linear decoder's code adds to an image: [latent, pixels]."""
    codes = jnp.concatenate([jnp.zeros((1, latent)), jnp.eye(latent)])
    decoded = model.apply(params, codes, method="decode").reshape(latent + 1, -1)
    return decoded[1:] - decoded[0]


def codec(settings: AutoencoderSettings, dataset: Dataset, params: Params) -> Codec:
    """Codes, and expected images."""
    return settings.architecture.build(dataset).codec(params)


def figures(settings: AutoencoderSettings, dataset: Dataset, params: Params) -> dict:
    """Reconstructions beside PCA's, the codes of both where they are points of a plane, and the first layer's weights.

    PCA of as many components as there are pixels gives back everything, and is left out.
    """
    latent = settings.architecture.latent
    test = dataset.head("test", 2000)
    images, shown = jax.device_put(test["image"]), jax.device_put(test["image"][:16])
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    seen = jax.vmap(settings.objective.corrupt)(jax.random.split(key, len(shown)), shown)
    rows = {"original": shown} | ({} if settings.objective.corruption == "none" else {"corrupted": seen})
    pca = training_pca(dataset, latent)
    if latent < shown[0].size:
        rows[f"PCA, {latent}"] = pca.reconstruct(seen)
    reconstruct = jax.jit(lambda params, images: codec(settings, dataset, params).reconstruct(images))
    rows[f"autoencoder, {latent}"] = reconstruct(params, seen)
    drawn = {"reconstructions": image_rows(rows, title="held-out images")}
    if latent == 2 and "label" in test:
        encode = jax.jit(lambda params, images: codec(settings, dataset, params).encode(images))
        planes = {"PCA": pca.encode(images), "autoencoder": encode(params, images)}
        drawn["codes"] = code_planes(planes, test["label"])
    if settings.architecture.network == "mlp":
        drawn["filters"] = filter_grid(first_kernel(params), dataset.image_shape)
    return drawn


EXPERIMENT = Experiment(
    card=CARD,
    settings=AutoencoderSettings,
    data=lambda settings: settings.images.load(),
    task=autoencoding_task,
    monitor=held_out_loss,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="squared_error",
    units={
        "squared_error": "",
        "pca_squared_error": "",
        "distance": "",
        "psnr": "dB",
        "noisy_psnr": "dB",
        "denoised_psnr": "dB",
        "mean_activation": "",
        "nonzero": "units",
        "sparsity_distance": lambda settings: "nats" if settings.objective.sparsity_distance == "kl" else "",
        "angle_to_pca": "rad",
        "loss": "nats",
        "reconstruction": "nats",
        "penalty": "nats",
    },
    network=network,
    codec=codec,
)
