"""Principal component analysis: the closed form that a linear autoencoder is held against."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt

from experiments.objectives.reconstruction import squared_error
from experiments.datasets import Dataset
from experiments.plots.images import image_grid, image_rows
from experiments.autoencoders.pca.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings, RuleSettings
from models.pca import PCA, fit_pca, project, reconstruct, sample_code
from models.representation import peak_signal_to_noise
from train.task import LossFn, State, Stream, Task, initial_state

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class PCASettings(RuleSettings, ImageSettings):
    """Principal component analysis."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""
    components: Count = 8
    """numbers in a code"""
    steps: Count = 1
    batch_size: Count = 1
    """training sets per step: the whole of it is one example"""
    chunk: Count = 1
    evaluate_every: Count = 1
    save_every: Count = 1


def data(settings: PCASettings) -> Dataset:
    """The images, the training split as one example that holds all of them."""
    dataset = settings.load()
    train = dataset.head("train", 60_000)
    return dataset._replace(splits=dataset.splits | {"train": {name: array[None] for name, array in train.items()}})


def flat(images):
    """Images [batch, …] as vectors."""
    return images.reshape(len(images), -1)


def task(settings: PCASettings, dataset: Dataset) -> Task:
    """One step: the eigenvectors of the covariance. Before it, and whatever the seed, all directions are zero."""
    pixels = int(np.prod(dataset.splits["test"]["image"].shape[1:]))
    count = min(settings.components, pixels)

    def init(key) -> State:
        nothing = PCA(jnp.zeros(pixels), jnp.zeros((count, pixels)), jnp.zeros(count))
        return initial_state(key, nothing._asdict(), ())

    def step(state: State, batch):
        pca = fit_pca(flat(batch["image"][0]), components=count)
        return state._replace(step=state.step + 1, params=pca._asdict()), {"variance": jnp.sum(pca.variances)}

    return Task(init, step)


def restored(params, images):
    """Images [batch, …] as their codes give them back."""
    pca = PCA(**params)
    return jax.vmap(lambda one: reconstruct(pca, project(pca, one)))(flat(images)).reshape(images.shape)


def monitor(settings: PCASettings, dataset: Dataset) -> LossFn:
    """Squared error of an image's reconstruction."""

    def loss_fn(params, batch, keys):
        images = batch["image"].reshape(-1, *batch["image"].shape[-3:])
        error = jax.vmap(squared_error)(images, restored(params, images)).reshape(len(batch["image"]), -1).mean(axis=1)
        return error, {"squared_error": error}

    return loss_fn


def evaluate(settings: PCASettings, dataset: Dataset):
    """The same, the signal-to-noise ratio, and the share of the pixels' variance that the code explains."""
    centre = jnp.asarray(dataset.splits["train"]["image"][0].mean(axis=0))

    def metric_fn(params, batch, keys):
        images = batch["image"]
        again = restored(params, images)
        error = jax.vmap(squared_error)(images, again)
        total = jnp.mean(jax.vmap(squared_error, (0, None))(images, centre))
        return {
            "squared_error": error,
            "psnr": jax.vmap(peak_signal_to_noise)(images, again),
            "unexplained": 100 * error / total,
        }

    return metric_fn


def figures(settings: PCASettings, dataset: Dataset, params) -> dict:
    """The components, reconstructions from ever more of them, and images made from codes: drawn, and averaged."""
    train = {name: array[0] for name, array in dataset.splits["train"].items()}
    images, shape = jnp.asarray(train["image"]), train["image"].shape[1:]
    every = fit_pca(flat(images), components=min(flat(images).shape[1], 100))
    grey = every.components / jnp.max(jnp.abs(every.components), axis=1, keepdims=True)
    shown = jnp.asarray(dataset.head("test", 16)["image"])
    rows = {"original": shown}
    for count in sorted({1, 2, 4, 8, 16, 30, settings.components}):
        if count <= len(every.components):
            few = every._replace(components=every.components[:count], variances=every.variances[:count])
            rows[f"{count} component{'s' if count > 1 else ''}"] = restored(few._asdict(), shown)
    pca = PCA(**params)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES), 30)
    drawn = jax.vmap(lambda key: reconstruct(pca, sample_code(key, pca)))(keys).reshape(-1, *shape)
    pictures = {
        "components": image_grid(np.asarray(0.5 + 0.5 * grey[:60]).reshape(-1, *shape), columns=20, title="components"),
        "reconstructions": image_rows(rows, title="held-out images"),
        "samples": image_grid(drawn, columns=15, title="from codes drawn from a Gaussian"),
    }
    if "label" in train:
        codes = jax.vmap(lambda one: project(pca, one))(flat(images))
        means = jnp.stack([codes[train["label"] == label].mean(axis=0) for label in np.unique(train["label"])])
        averages = jax.vmap(lambda code: reconstruct(pca, code))(means).reshape(-1, *shape)
        pictures["averages"] = image_grid(averages, columns=10, title="from the mean code of each class")
    return pictures


EXPERIMENT = Experiment(
    card=CARD,
    settings=PCASettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="squared_error",
    units={"squared_error": "", "psnr": "dB", "unexplained": "%", "variance": ""},
)
