"""Vector-quantised autoencoder: discrete codes by straight-through gradients, and what they cost in bits."""

from dataclasses import dataclass
from functools import partial
from math import log
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt

from experiments.autoencoders.vqvae.figures import code_usage
from experiments.autoencoders.vae.experiment import observe_of
from experiments.objectives.vector_quantization import (
    code_bits,
    code_frequencies,
    positional_frequencies,
    quantization_loss,
    with_moving_codebook,
)
from experiments.datasets import Dataset
from experiments.plots.images import image_grid, image_pairs
from experiments.autoencoders.vqvae.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from losses.likelihoods import LIKELIHOODS, Likelihood
from losses.quantization import codebook_perplexity
from models.vqvae import VQVAE, mlp_vqvae, residual_vqvae
from train.optimizers import Fraction, make_optimizer
from train.task import LossFn, Stream, Task, supervised

Count = Annotated[int, Gt(0)]
FITTED_ON = 10_000  # training images, at most, whose codes the prior is fitted to


@dataclass(frozen=True, kw_only=True)
class VQVAESettings(ImageSettings):
    """Vector-quantised autoencoder."""

    steps: Count = 4000
    network: Literal["mlp", "residual"] = "mlp"
    """dense layers, or the paper's convolutions"""
    widths: tuple[Count, ...] = (256, 256)
    """hidden units of the dense layers, or the one number of features of the convolutions"""
    positions: Count = 4
    """codes of an image; of the convolutions: at each place of a grid of a quarter of the height and width"""
    codes: Count = 64
    """vectors in the codebook"""
    dimensions: Count = 8
    """of a vector of the codebook"""
    codebook: Literal["gradient", "ema"] = "gradient"
    """how it learns: by gradient, or as the moving average of the vectors that choose each code"""
    decay: Fraction = 0.99
    """of the moving averages, with --codebook ema"""
    commitment: Annotated[float, Ge(0)] = 0.25
    """weight of the commitment loss"""
    likelihood: Literal["bernoulli", "gaussian", "categorical"] = "bernoulli"
    """what the decoder's numbers parameterise; of discrete values (not gaussian) it is a probability, as bits need"""

    def __post_init__(self):
        super().__post_init__()
        if (self.likelihood == "bernoulli") != (self.binarization != "none"):
            raise ValueError("--likelihood bernoulli models bits, and no other does: it needs --binarization")
        if self.network == "residual" and len(self.widths) != 1:
            raise ValueError(
                f"--network residual has one number of features: --widths takes one value, not {self.widths}"
            )


def model_of(settings: VQVAESettings, dataset: Dataset) -> tuple[VQVAE, Likelihood]:
    """The network, and the likelihood that its decoder parameterises."""
    likelihood = LIKELIHOODS[settings.likelihood](dataset.levels)
    sizes = {"outputs": likelihood.outputs, "codes": settings.codes, "dimensions": settings.dimensions}
    if settings.network == "residual":
        (features,) = settings.widths
        return residual_vqvae(dataset.image_shape, layers=settings.positions, features=features, **sizes), likelihood
    return mlp_vqvae(dataset.image_shape, positions=settings.positions, widths=settings.widths, **sizes), likelihood


def loss_of(settings: VQVAESettings, dataset: Dataset) -> LossFn:
    """Reconstruction, codebook and commitment loss; no codebook loss where the codebook is a moving average."""
    model, likelihood = model_of(settings, dataset)
    weights = {"commitment": settings.commitment, "codebook": float(settings.codebook == "gradient")}
    return quantization_loss(settings.in_training(model.apply), likelihood, observe_of(settings), **weights)


def task(settings: VQVAESettings, dataset: Dataset) -> Task:
    """Trains encoder, decoder and codebook."""
    model, _ = model_of(settings, dataset)
    optimizer, example = make_optimizer(settings, settings.steps), jnp.zeros((1, *dataset.image_shape))
    loss_fn, init_params = loss_of(settings, dataset), partial(model.init, images=example)
    if settings.codebook == "gradient":
        return supervised(loss_fn, init_params, optimizer)

    def encode(params, batch, keys):
        return model.apply(params, observe_of(settings)(batch["image"], keys), method="encode")

    return with_moving_codebook(loss_fn, encode, init_params, optimizer, decay=settings.decay)


def indices_of(settings: VQVAESettings, dataset: Dataset, split: str):
    """The function ``params →`` code indices [images, positions] of the first images of a split."""
    model, _ = model_of(settings, dataset)
    images = dataset.head(split, FITTED_ON)["image"]
    keys = jax.random.split(jax.random.key(0), len(images))

    def encode(params):
        def one(example):
            image, key = example
            observed = observe_of(settings)(image[None], key[None])
            return model.apply(params, observed, method="encode").indices[0]

        return jax.lax.map(one, (jnp.asarray(images), keys), batch_size=250)

    return encode


def evaluate(settings: VQVAESettings, dataset: Dataset):
    """Reconstruction, bits per dimension under both priors, and how many codes are used on all held-out images."""
    model, likelihood = model_of(settings, dataset)
    train, test = (indices_of(settings, dataset, split) for split in ("train", "test"))

    def metric_fn(params, batch, keys):
        images = observe_of(settings)(batch["image"], keys)
        result = model.apply(params, images)
        values = images[0].size
        reconstruction = -jax.vmap(likelihood.log_likelihood)(images, result["decoded"])
        errors = (jax.vmap(likelihood.mean)(result["decoded"]) - images) ** 2
        prior = positional_frequencies(train(params), codes=settings.codes)
        uniform = jnp.full_like(prior, 1 / settings.codes)
        frequencies = code_frequencies(test(params), codes=settings.codes)
        bits = {
            name: (reconstruction / log(2) + jax.vmap(code_bits, (0, None))(result["indices"], of)) / values
            for name, of in (("bits_per_dim", uniform), ("bits_per_dim_fitted", prior))
        }
        whole = {"perplexity": codebook_perplexity(frequencies), "codes_used": jnp.sum(frequencies > 0).astype(float)}
        return {
            "reconstruction": reconstruction,
            "squared_error": errors.mean(axis=(1, 2, 3)),
            **bits,
            **{name: jnp.broadcast_to(value, reconstruction.shape) for name, value in whole.items()},
        }

    return metric_fn


def figures(settings: VQVAESettings, dataset: Dataset, params) -> dict:
    """Reconstructions, the usage of the codes, and samples of the fitted prior."""
    model, likelihood = model_of(settings, dataset)
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    shown = jnp.asarray(dataset.head("test", 16)["image"])
    decoded = jax.jit(lambda images: likelihood.mean(model.apply(params, images)["decoded"]))(shown)
    frequencies = code_frequencies(jax.jit(indices_of(settings, dataset, "test"))(params), codes=settings.codes)
    prior = positional_frequencies(jax.jit(indices_of(settings, dataset, "train"))(params), codes=settings.codes)
    drawn = jax.random.categorical(key, jnp.log(prior), shape=(100, len(prior)))
    samples = likelihood.mean(model.apply(params, drawn, method="decode_indices"))
    bits = len(prior) * float(np.log2(settings.codes))
    return {
        "reconstructions": image_pairs(
            shown, np.asarray(decoded), columns=8, title=f"held-out images, from {bits:.0f} bits each"
        ),
        "usage": code_usage(np.asarray(frequencies), perplexity=float(codebook_perplexity(frequencies))),
        "samples": image_grid(np.asarray(samples), columns=10, title="codes drawn position by position"),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=VQVAESettings,
    data=VQVAESettings.load,
    task=task,
    monitor=loss_of,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={
        "loss": "nats",
        "reconstruction": "nats",
        "distance": "squared",
        "squared_error": "per value",
        "bits_per_dim": "bits",
        "bits_per_dim_fitted": "bits",
        "perplexity": "codes",
        "codes_used": "codes",
    },
)
