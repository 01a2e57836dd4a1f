"""Codes compared: PCA, a nonlinear and a deep autoencoder side by side, with codes of two and of many numbers."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Gt

from experiments.autoencoders.autoencoder.experiment import FITTED_ON
from experiments.plots.codes import code_planes
from experiments.evaluations.codec import Coder, coder_of, principal_components
from experiments.objectives.reconstruction import Penalties, clean, reconstruction_loss, squared_error
from experiments.datasets import Dataset
from experiments.plots.images import image_rows
from experiments.autoencoders.code_comparison.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from train.optimizers import make_optimizer
from train.task import Learner, LossFn, Task, side_by_side

Count = Annotated[int, Gt(0)]
LIKELIHOOD = LIKELIHOODS["bernoulli"](2)


@dataclass(frozen=True, kw_only=True)
class CodeComparisonSettings(ImageSettings):
    """Codes of one size, by PCA and by autoencoders of one layer and of several."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""
    steps: Count = 4000
    latent: Count = 8
    """numbers in the larger code; the smaller has two"""
    widths: tuple[Count, ...] = (256, 128)
    """hidden units of the deep autoencoder on either side of its code; the other has the first layer alone"""


def networks(settings: CodeComparisonSettings, dataset: Dataset) -> dict[str, Autoencoder]:
    """The autoencoders by name: a linear code behind one hidden layer or behind all, of either size."""
    layers = {"nonlinear": settings.widths[:1], "deep": settings.widths}
    sizes = {"two": 2, "many": settings.latent}
    return {
        f"{model}_{size}": mlp_autoencoder(CodeHead(latent), dataset.image_shape, outputs=1, widths=widths)
        for size, latent in sizes.items()
        for model, widths in layers.items()
    }


def loss_of(apply) -> LossFn:
    """The cross-entropy of one net."""
    return reconstruction_loss(apply, LIKELIHOOD, clean, Penalties())


def task(settings: CodeComparisonSettings, dataset: Dataset) -> Task:
    """The nets side by side."""
    example = jnp.zeros((1, *dataset.image_shape))

    def learner(net: Autoencoder) -> Learner:
        loss_fn = loss_of(settings.in_training(net.apply))
        return Learner(loss_fn, lambda key: net.init(key, example), make_optimizer(settings, settings.steps))

    return side_by_side({name: learner(net) for name, net in networks(settings, dataset).items()})


def closed_forms(settings: CodeComparisonSettings, dataset: Dataset) -> dict[str, Coder]:
    """PCA of the training images, with as many numbers as the nets' codes have."""
    train = jnp.asarray(dataset.head("train", FITTED_ON)["image"])
    return {"pca_two": principal_components(train, 2), "pca_many": principal_components(train, settings.latent)}


def coders(settings: CodeComparisonSettings, dataset: Dataset, params, closed: dict[str, Coder]) -> dict[str, Coder]:
    """All codes, PCA's first."""
    return closed | {name: coder_of(net, LIKELIHOOD, params[name]) for name, net in networks(settings, dataset).items()}


def monitor(settings: CodeComparisonSettings, dataset: Dataset) -> LossFn:
    """The loss of each net and the mean over them."""
    losses = {
        name: loss_of(lambda keys, *given, net=net, **options: net.apply(*given, **options))
        for name, net in networks(settings, dataset).items()
    }

    def loss_fn(params, batch, keys):
        each = {f"{name}/loss": loss(params[name], batch, keys)[0] for name, loss in losses.items()}
        return jnp.mean(jnp.stack(list(each.values())), axis=0), each

    return loss_fn


def evaluate(settings: CodeComparisonSettings, dataset: Dataset):
    """Squared error of each reconstruction."""
    closed = closed_forms(settings, dataset)  # here, or XLA would compute it while it compiles

    def metric_fn(params, batch, keys):
        images = batch["image"]
        return {
            f"{name}/squared_error": jax.vmap(squared_error)(images, coder.reconstruct(images))
            for name, coder in coders(settings, dataset, params, closed).items()
        }

    return metric_fn


def figures(settings: CodeComparisonSettings, dataset: Dataset, params) -> dict:
    """Reconstructions line by line, and the plane of the two numbers with the classes in it."""
    test = dataset.head("test", 2000)
    images = jnp.asarray(test["image"])
    every = coders(settings, dataset, params, closed_forms(settings, dataset))
    again = {name: coder.reconstruct(images[:16]) for name, coder in every.items()}
    rows = {"original": images[:16]}
    labels = {"pca": "PCA", "nonlinear": "nonlinear", "deep": "deep"}
    rows |= {f"{label}, {settings.latent}": again[f"{name}_many"] for name, label in labels.items()}
    two = {"original": images[:16]} | {f"{label}, 2": again[f"{name}_two"] for name, label in labels.items()}
    drawn = {
        "reconstructions": image_rows(rows, title=f"codes of {settings.latent} numbers"),
        "reconstructions_from_two": image_rows(two, title="codes of 2 numbers"),
    }
    if "label" in test:
        planes = {"PCA": every["pca_two"].encode(images), "deep autoencoder": every["deep_two"].encode(images)}
        drawn["codes"] = code_planes(planes, test["label"])
    return drawn


CODES = tuple(f"{model}_{size}" for size in ("two", "many") for model in ("pca", "nonlinear", "deep"))

EXPERIMENT = Experiment(
    card=CARD,
    settings=CodeComparisonSettings,
    data=CodeComparisonSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats"}
    | {f"{name}/loss": "nats" for name in CODES}
    | {f"{name}/squared_error": "" for name in CODES},
)
