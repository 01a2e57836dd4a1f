"""Latent space: samples near and far, ways between codes, analogies, the decoder's geometry, maps between two models."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt

from experiments.evaluations.codec import Coder, coder_of
from experiments.evaluations.latent_geometry import (
    disentanglement,
    factor_analogies,
    geodesic_ratio,
    label_analogies,
    stitched,
    unlikeness,
)
from experiments.autoencoders.latent_space.figures import latent_space_figures
from experiments.objectives.reconstruction import Penalties, clean, reconstruction_loss
from experiments.autoencoders.vae.experiment import observe_of
from experiments.objectives.variational import negative_elbo
from experiments.evaluations.whole_sets import with_test_split_as_one
from experiments.datasets import Dataset
from experiments.datasets.generated import shapes
from experiments.autoencoders.latent_space.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from models.vae import mlp_vae
from train.optimizers import make_optimizer
from train.task import Learner, LossFn, Stream, Task, side_by_side

Count = Annotated[int, Gt(0)]
MODELS = ("first", "second", "plane")
LIKELIHOOD = LIKELIHOODS["bernoulli"](2)


@dataclass(frozen=True, kw_only=True)
class LatentSpaceSettings(ImageSettings):
    """Latent space."""

    data: str = "auto"
    """shapes (discs of known place and size), digits, mnist, idx or tfds:NAME; auto: --data-dir's images, or digits"""
    steps: Count = 2500
    binarization: Literal["none", "static", "stochastic"] = "none"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""
    latent: Annotated[int, Ge(2)] = 8
    """dimensions of the latent of the first and of the second model; a third one has two"""
    widths: tuple[Count, ...] = (128, 128)
    """hidden units of the dense layers"""
    second: Literal["vae", "autoencoder"] = "vae"
    """what the second model is: a VAE of other initial weights, or a deterministic autoencoder"""
    beta: Annotated[float, Ge(0)] = 0.3
    """weight of the KL term; pixels are intensities, whose cross-entropy it would outweigh at 1"""
    support: Count = 100
    """training images by which the map between the models is fitted"""
    measured: Annotated[int, Ge(40)] = 1000
    """test images that are measured, at most"""

    def __post_init__(self):
        super().__post_init__()
        if self.support <= self.latent:
            raise ValueError(f"--support must be greater than --latent {self.latent}, or the map is undetermined")
        if self.train_on != "train":
            raise ValueError("--train-on train+valid has no effect: validation images are for the learning curve")


def data(settings: LatentSpaceSettings) -> Dataset:
    """Images, the test images as one set; shapes are measured in all their combinations."""
    if settings.data == "shapes":
        every = shapes()
        return with_test_split_as_one(every, len(every.splits["test"]["image"]))
    return with_test_split_as_one(settings.load(), settings.measured)


def model_of(settings: LatentSpaceSettings, dataset: Dataset, name: str) -> Autoencoder:
    """The network of one of the three; a chart is smooth, so its units are."""
    sizes = {"image_shape": dataset.image_shape, "outputs": LIKELIHOOD.outputs, "widths": settings.widths}
    sizes |= {"activation": "tanh"}
    if name == "second" and settings.second == "autoencoder":
        return mlp_autoencoder(CodeHead(settings.latent), **sizes)
    return mlp_vae(latent=2 if name == "plane" else settings.latent, **sizes)


def losses_of(settings: LatentSpaceSettings, dataset: Dataset) -> dict[str, LossFn]:
    """Each model's own loss of its own parameters, in nats: the negative ELBO, or the negative log-likelihood."""
    observe = observe_of(settings)

    def loss_of(name: str) -> LossFn:
        apply = settings.in_training(model_of(settings, dataset, name).apply)
        if name == "second" and settings.second == "autoencoder":
            loss_fn = reconstruction_loss(apply, LIKELIHOOD, clean, Penalties())
            return lambda params, batch, keys: loss_fn(params, batch | {"image": observe(batch["image"], keys)}, keys)
        return negative_elbo(apply, LIKELIHOOD, observe, samples=1, beta=settings.beta)

    return {name: loss_of(name) for name in MODELS}


def task(settings: LatentSpaceSettings, dataset: Dataset) -> Task:
    """Three models side by side: two whose latent spaces are compared, and one with a plane as its latent."""
    losses, example = losses_of(settings, dataset), jnp.zeros((1, *dataset.image_shape))

    def learner(name: str) -> Learner:
        model = model_of(settings, dataset, name)
        return Learner(losses[name], lambda key: model.init(key, example), make_optimizer(settings, settings.steps))

    return side_by_side({name: learner(name) for name in MODELS})


def monitor(settings: LatentSpaceSettings, dataset: Dataset) -> LossFn:
    """The loss of each model, and their mean."""
    losses = losses_of(settings, dataset)

    def loss_fn(params, batch, keys):
        each = {f"{name}/loss": losses[name](params[name], batch, keys)[0] for name in MODELS}
        return sum(each.values()) / len(each), each

    return loss_fn


def coders(settings: LatentSpaceSettings, dataset: Dataset, params) -> dict[str, Coder]:
    """The models by name, as functions of images and codes."""
    return {name: coder_of(model_of(settings, dataset, name), LIKELIHOOD, params[name]) for name in MODELS}


def evaluate(settings: LatentSpaceSettings, dataset: Dataset):
    """One value for the whole test set; labels or factors bring metrics of their own."""
    train = {name: jnp.asarray(array) for name, array in dataset.head("train", 2000).items()}

    def of_a_set(params, batch, key):
        by_name = coders(settings, dataset, params)
        first, second, plane = (by_name[name] for name in MODELS)
        images, keys = batch["image"], jax.random.split(key, 4)
        metrics = stitched(first, second, train["image"][: settings.support], images, keys[0])
        metrics |= unlikeness(first, images, train["image"], keys[1])
        metrics["geodesic/length_ratio"] = geodesic_ratio(plane, images[:40])
        if "factors" in batch:
            metrics |= disentanglement(first.encode(images), batch["factors"], keys[2])
            metrics |= factor_analogies(first, images)
        if "label" in batch:
            metrics |= label_analogies(first, images, batch["label"], train)
        return metrics

    def metric_fn(params, batch, keys):
        return jax.lax.map(lambda one: of_a_set(params, *one), (batch, keys))

    return metric_fn


def figures(settings: LatentSpaceSettings, dataset: Dataset, params) -> dict:
    """What is decoded where, and the plane with its metric."""
    train = {name: jnp.asarray(array) for name, array in dataset.head("train", 2000).items()}
    test = {name: jnp.asarray(array[0]) for name, array in dataset.splits["test"].items()}
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    by_name = coders(settings, dataset, params)
    return latent_space_figures(*(by_name[name] for name in MODELS), train, test, settings.support, key)


EXPERIMENT = Experiment(
    card=CARD,
    settings=LatentSpaceSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "geodesic/length_ratio": ""}
    | {f"stitched/{name}": "dB" for name in ("first", "second", "least_squares", "procrustes", "random")}
    | {f"unlike/{name}": "of [0, 1]" for name in ("test", "near", "typical", "far", "linear", "spherical")}
    | {f"{score}/{codes}": "" for score in ("mig", "beta_vae") for codes in ("codes", "rotated", "noise")}
    | {f"analogy_psnr/{name}": "dB" for name in ("code", "third_image", "reconstruction")}
    | {"analogy/changed": "%", "analogy/unchanged": "%", "unlike/boundary": "of [0, 1]"},
)
