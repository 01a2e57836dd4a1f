"""Autoencoder: linear, deep, sparse, k-sparse, denoising and contractive, as choices of one model's parts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt

from experiments.autoencoders.autoencoder.figures import code_planes, filters
from experiments.evaluations.codec import principal_components
from experiments.objectives.reconstruction import (
    Penalties,
    corruption_of,
    reconstruction_loss,
    reconstruction_metrics,
    squared_error,
)
from experiments.datasets import Dataset
from experiments.plots.images import image_rows
from experiments.autoencoders.autoencoder.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from losses.likelihoods import LIKELIHOODS, Likelihood
from models.autoencoder import Autoencoder, CodeHead, conv_autoencoder, mlp_autoencoder
from models.pca import fit_pca, largest_principal_angle
from models.tied_autoencoder import TiedAutoencoder
from train.optimizers import Fraction, NotNegative, make_optimizer
from train.task import LossFn, Stream, Task, supervised

Count = Annotated[int, Gt(0)]
FITTED_ON = 20_000  # training images, at most, for the PCA that stands beside


@dataclass(frozen=True, kw_only=True)
class AutoencoderSettings(ImageSettings):
    """Autoencoder."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""
    steps: Count = 4000
    network: Literal["mlp", "conv"] = "mlp"
    """dense layers, or convolutions of stride 2 and their mirror image"""
    widths: tuple[Count, ...] = (256, 128)
    """hidden units of the dense layers, or channels of the convolutions; none: one linear map to the code"""
    activation: Literal["relu", "tanh", "sigmoid", "linear"] = "relu"
    """activation of the dense layers"""
    tied: bool = False
    """whether the decoder's weights are the encoder's, transposed"""
    latent: Count = 8
    """numbers in a code"""
    code_activation: Literal["relu", "tanh", "sigmoid", "linear"] = "linear"
    """activation of the code"""
    likelihood: Literal["bernoulli", "unit_gaussian"] = "bernoulli"
    """bernoulli: cross-entropy; unit_gaussian: half the squared error"""
    corruption: Literal["none", "gaussian", "masking", "salt_and_pepper"] = "none"
    """what is done to an image before it is encoded in training"""
    corruption_level: Fraction = 0.3
    """standard deviation of the noise, or share of the pixels"""
    keep: Annotated[int, Ge(0)] = 0
    """how many of a code's largest numbers stay, all others becoming 0; 0 is off"""
    activity: NotNegative = 0.0
    """weight of the sum of a code's absolute values"""
    sparsity: NotNegative = 0.0
    """weight of the distance between each unit's mean activation and the target"""
    sparsity_distance: Literal["kl", "l1", "l2"] = "kl"
    """that distance"""
    target_activation: Annotated[Fraction, Gt(0)] = 0.05
    """that target"""
    contraction: NotNegative = 0.0
    """weight of the squared norm of the code's Jacobian in the image"""

    def __post_init__(self):
        super().__post_init__()
        if self.keep > self.latent:
            raise ValueError(f"--keep must be at most --latent {self.latent}, got {self.keep}")
        if self.tied and self.network == "conv":
            raise ValueError("--tied is for dense layers: add --network mlp, or --no-tied")
        if self.sparsity and self.sparsity_distance == "kl" and self.code_activation != "sigmoid":
            raise ValueError("--sparsity-distance kl compares probabilities: add --code-activation sigmoid")

    @property
    def penalties(self) -> Penalties:
        """The penalties and their weights; the contraction has a closed form where the encoder is a sigmoid layer."""
        one_layer = self.network == "mlp" and not self.widths and self.code_activation == "sigmoid" and not self.keep
        distance, target = self.sparsity_distance, self.target_activation
        return Penalties(self.activity, self.sparsity, distance, target, self.contraction, one_layer)

    @property
    def is_linear(self) -> bool:
        """Whether the whole network is a linear map."""
        layers = self.activation == "linear" or not self.widths
        return self.network == "mlp" and layers and self.code_activation == "linear" and not self.keep


def model_of(settings: AutoencoderSettings, dataset: Dataset) -> tuple[Autoencoder, Likelihood]:
    """The network, and the likelihood that its decoder parameterises."""
    likelihood = LIKELIHOODS[settings.likelihood](dataset.levels)
    head = CodeHead(settings.latent, settings.code_activation, settings.keep)
    if settings.network == "conv":
        channels = settings.widths
        return conv_autoencoder(head, dataset.image_shape, outputs=likelihood.outputs, channels=channels), likelihood
    shape = {"outputs": likelihood.outputs, "widths": settings.widths, "activation": settings.activation}
    untied = mlp_autoencoder(head, dataset.image_shape, **shape)
    return (TiedAutoencoder(untied.encoder, untied.decoder) if settings.tied else untied), likelihood


def loss_of(settings: AutoencoderSettings, dataset: Dataset, apply: Callable) -> LossFn:
    """The loss of restoring what was corrupted; ``apply(keys, params, …)`` is the network's."""
    _, likelihood = model_of(settings, dataset)
    corrupt = corruption_of(settings.corruption, settings.corruption_level)
    return reconstruction_loss(apply, likelihood, corrupt, settings.penalties)


def task(settings: AutoencoderSettings, dataset: Dataset) -> Task:
    """Trains encoder and decoder together."""
    model, _ = model_of(settings, dataset)
    loss_fn = loss_of(settings, dataset, settings.in_training(model.apply))
    example = jnp.zeros((1, *dataset.image_shape))
    return supervised(loss_fn, lambda key: model.init(key, example), make_optimizer(settings, settings.steps))


def monitor(settings: AutoencoderSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    model, _ = model_of(settings, dataset)
    return loss_of(settings, dataset, lambda keys, *given, **options: model.apply(*given, **options))


def evaluate(settings: AutoencoderSettings, dataset: Dataset):
    """Reconstruction beside PCA's with a code of the same size; of a linear autoencoder the angle to PCA's subspace."""
    model, likelihood = model_of(settings, dataset)
    corrupt = corruption_of(settings.corruption, settings.corruption_level)
    metric_fn = reconstruction_metrics(model.apply, likelihood, corrupt)
    train = jnp.asarray(dataset.head("train", FITTED_ON)["image"])
    pca = principal_components(train, settings.latent)

    def measure(params, batch, keys):
        measured = metric_fn(params, batch, keys)
        measured["pca_squared_error"] = jax.vmap(squared_error)(batch["image"], pca.reconstruct(batch["image"]))
        if settings.is_linear and settings.likelihood == "unit_gaussian":
            components = fit_pca(train.reshape(len(train), -1), components=settings.latent).components
            angle = largest_principal_angle(decoded_directions(model, settings.latent, params), components)
            measured["angle_to_pca"] = jnp.broadcast_to(angle, measured["squared_error"].shape)
        return measured

    return measure


def decoded_directions(model: Autoencoder, latent: int, params):
    """What each unit of a linear decoder's code adds to an image: [latent, pixels]."""
    codes = jnp.concatenate([jnp.zeros((1, latent)), jnp.eye(latent)])
    decoded = model.apply(params, codes, method="decode").reshape(latent + 1, -1)
    return decoded[1:] - decoded[0]


def figures(settings: AutoencoderSettings, dataset: Dataset, params) -> dict:
    """Reconstructions beside PCA's, the codes of both where they are points of a plane, and the first layer's weights.

    PCA of as many components as there are pixels gives back everything, and is left out.
    """
    model, likelihood = model_of(settings, dataset)
    test = dataset.head("test", 2000)
    images, shown = jnp.asarray(test["image"]), jnp.asarray(test["image"][:16])
    corrupt = corruption_of(settings.corruption, settings.corruption_level)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES), len(shown))
    seen = jax.vmap(corrupt)(keys, shown)
    rows = {"original": shown} | ({} if settings.corruption == "none" else {"corrupted": seen})
    pca = principal_components(jnp.asarray(dataset.head("train", FITTED_ON)["image"]), settings.latent)
    if settings.latent < shown[0].size:
        rows[f"PCA, {settings.latent}"] = pca.reconstruct(seen)
    rows[f"autoencoder, {settings.latent}"] = likelihood.mean(jax.jit(model.apply)(params, seen)["decoded"])
    drawn = {"reconstructions": image_rows(rows, title="held-out images")}
    if settings.latent == 2 and "label" in test:
        codes = jax.jit(partial(model.apply, method="encode"))(params, images)
        drawn["codes"] = code_planes({"PCA": pca.encode(images), "autoencoder": codes}, test["label"])
    if settings.network == "mlp":
        drawn["filters"] = filters(first_kernel(params), dataset.image_shape)
    return drawn


def first_kernel(params):
    """The weights of the encoder's first dense layer: [pixels, units]."""
    encoder = params["params"]["encoder"]
    return encoder["MLP_0"]["Dense_0"]["kernel"] if "MLP_0" in encoder else encoder["head"]["linear"]["kernel"]


EXPERIMENT = Experiment(
    card=CARD,
    settings=AutoencoderSettings,
    data=AutoencoderSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
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
        "angle_to_pca": "rad",
        "loss": "nats",
        "reconstruction": "nats",
        "penalty": "nats",
    },
)
