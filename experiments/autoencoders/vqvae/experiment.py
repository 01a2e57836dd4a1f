"""Vector-quantised autoencoder: discrete codes by straight-through gradients, and what they cost in bits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from experiments.autoencoders.vqvae.card import CARD
from experiments.autoencoders.vqvae.figures import code_usage
from experiments.datasets import Dataset
from experiments.datasets.settings import ImageData
from experiments.networks.training import NetworkTraining, without_noise
from experiments.networks.vqvae import VQVAENetwork
from experiments.numerals import counted
from experiments.objectives.observation import Observe, observation
from experiments.objectives.vector_quantization import (
    QuantizationObjective,
    code_bits,
    code_frequencies,
    encode_images,
    moving_codebook_task,
    observed_images,
    positional_frequencies,
    quantization_loss,
)
from experiments.plots.images import image_grid, image_pairs
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Flat, LoopSettings, Settings
from losses.metrics.codebook import codebook_perplexity
from models.vqvae import VQVAE
from train.evaluation import MetricFn, WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised


@dataclass(frozen=True, kw_only=True)
class VQVAESettings(Settings):
    """Vector-quantised autoencoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)
    images: Flat[ImageData] = ImageData()
    architecture: Flat[VQVAENetwork] = VQVAENetwork()
    objective: Flat[QuantizationObjective] = QuantizationObjective()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()

    def __post_init__(self):
        super().__post_init__()
        if (self.architecture.likelihood == "bernoulli") != (self.images.binarization != "none"):
            raise ValueError("--likelihood bernoulli models bits, and no other does: it needs --binarization")

    @property
    def observe(self) -> Observe:
        """Bits are drawn anew at each use where binarisation is stochastic."""
        return observation(self.images.binarization)


def network(settings: VQVAESettings, dataset: Dataset) -> VQVAE:
    """Encoder, codebook and decoder."""
    return settings.architecture.build(dataset).network


def loss(settings: VQVAESettings, dataset: Dataset, apply: Callable) -> LossFn:
    """Reconstruction, codebook and commitment loss; no codebook loss where the codebook is a moving average."""
    likelihood, objective = settings.architecture.build(dataset).likelihood, settings.objective
    given = {"commitment": objective.commitment, "moving_codebook": objective.codebook == "ema"}
    return quantization_loss(apply, likelihood, settings.observe, **given)


def monitor(settings: VQVAESettings, dataset: Dataset) -> LossFn:
    """The training loss without dropout."""
    return loss(settings, dataset, without_noise(network(settings, dataset).apply))


def task(settings: VQVAESettings, dataset: Dataset) -> Task:
    """Trains encoder, decoder and codebook."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = loss(settings, dataset, settings.training.wrap(model.apply))
    init_params = partial(model.init, images=example)
    if settings.objective.codebook == "gradient":
        return supervised(loss_fn, init_params, optimizer)
    return moving_codebook_task(loss_fn, init_params, optimizer, decay=settings.objective.decay)


def evaluate(settings: VQVAESettings, dataset: Dataset) -> MetricFn:
    """Reconstruction, and bits per dimension under the uniform prior."""
    model, likelihood = settings.architecture.build(dataset)

    def metric_fn(params, batch, keys):
        images = jax.vmap(settings.observe)(keys, batch["image"])
        result = model.apply(params, images)
        reconstruction = -jax.vmap(likelihood.log_likelihood)(images, result["decoded"])
        errors = (jax.vmap(likelihood.mean)(result["decoded"]) - images) ** 2
        bits = reconstruction / log(2) + result["indices"].shape[1] * log(settings.architecture.codes) / log(2)
        return {
            "reconstruction": reconstruction,
            "squared_error": errors.mean(axis=(1, 2, 3)),
            "bits_per_dim": bits / images[0].size,
        }

    return metric_fn


def evaluate_whole(settings: VQVAESettings, dataset: Dataset) -> WholeSet:
    """How many codes the test images use, and their bits per dimension under the prior of training codes."""
    model, likelihood = settings.architecture.build(dataset)
    codes = settings.architecture.codes

    def measure(params: Params, images: dict[str, Array], key: Key[Array, ""]) -> dict[str, Array]:
        prior = positional_frequencies(encode_images(model, params, images["train"]), codes=codes)

        def bits_and_indices(image):
            result = model.apply(params, image[None])
            (indices,), (decoded,) = result["indices"], result["decoded"]
            return code_bits(indices, prior) - likelihood.log_likelihood(image, decoded) / log(2), indices

        bits, indices = jax.lax.map(bits_and_indices, images["test"], batch_size=250)
        frequencies = code_frequencies(indices, codes=codes)
        return {
            "bits_per_dim_fitted": bits.mean() / images["test"][0].size,
            "perplexity": codebook_perplexity(frequencies),
            "codes_used": jnp.sum(frequencies > 0).astype(bits.dtype),
        }

    return WholeSet(observed_images(settings.observe, dataset), measure)


def figures(settings: VQVAESettings, dataset: Dataset, params: Params) -> dict:
    """Reconstructions, the usage of the codes, and samples of the fitted prior."""
    (model, likelihood), codes = settings.architecture.build(dataset), settings.architecture.codes
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    shown = jax.device_put(dataset.head("test", 16)["image"])
    decoded = jax.jit(lambda params, images: likelihood.mean(model.apply(params, images)["decoded"]))(params, shown)
    encode = jax.jit(partial(encode_images, model))
    indices = {split: encode(params, images) for split, images in observed_images(settings.observe, dataset).items()}
    frequencies = code_frequencies(indices["test"], codes=codes)

    @jax.jit
    def sample(params, indices):
        prior = positional_frequencies(indices, codes=codes)
        drawn = jax.random.categorical(key, jnp.log(prior), shape=(100, len(prior)))
        return likelihood.mean(model.apply(params, drawn, method="decode_indices"))

    samples, positions = sample(params, indices["train"]), indices["train"].shape[1]
    title = f"held-out images, from {counted(round(positions * log(codes) / log(2)), 'bit')} each"
    return {
        "reconstructions": image_pairs(shown, np.asarray(decoded), columns=8, title=title),
        "usage": code_usage(np.asarray(frequencies), perplexity=float(codebook_perplexity(frequencies))),
        "samples": image_grid(np.asarray(samples), columns=10, title="codes drawn position by position"),
    }


def prepare(settings: VQVAESettings, dataset: Dataset, params: Params) -> dict[str, Any]:
    """The parameters, and how often the codes of training images stand at each position."""
    model, codes = network(settings, dataset), settings.architecture.codes

    @jax.jit
    def fitted(params: Params, images: Array) -> Array:
        return positional_frequencies(encode_images(model, params, images), codes=codes)

    return {"params": params, "prior": fitted(params, observed_images(settings.observe, dataset)["train"])}


def draw(settings: VQVAESettings, dataset: Dataset, options: SampleOptions, prepared: dict[str, Any]) -> Callable:
    """The expected image of codes drawn position by position, each as often as training images have it there."""
    model, likelihood = settings.architecture.build(dataset)

    def from_prior(key: Key[Array, ""]) -> Example:
        indices = jax.random.categorical(key, jnp.log(prepared["prior"]))[None]
        return {"image": likelihood.mean(model.apply(prepared["params"], indices, method="decode_indices"))[0]}

    return from_prior


EXPERIMENT = Experiment(
    card=CARD,
    settings=VQVAESettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={
        "loss": "nats",
        "reconstruction": "nats",
        "distance": "squared distance per position",
        "squared_error": "per value",
        "bits_per_dim": "bits",
        "bits_per_dim_fitted": "bits",
        "perplexity": "codes",
        "codes_used": "codes",
    },
    network=network,
    sampler=Sampler(draw=draw, prepare=prepare),
)
