"""How autoencoders fail: a code as wide as the image or wider, or too much capacity; and what repairs it."""

from dataclasses import dataclass
from itertools import product
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt

from experiments.autoencoders.failures.figures import table_of
from experiments.objectives.reconstruction import (
    Corrupt,
    Penalties,
    corruption_of,
    reconstruction_loss,
    squared_error,
)
from experiments.datasets import Dataset
from experiments.autoencoders.failures.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from models.layers.corruption import gaussian_noise
from models.representation import peak_signal_to_noise
from train.optimizers import make_optimizer
from train.task import Learner, LossFn, Stream, Task, side_by_side

Count = Annotated[int, Gt(0)]

DESIGNS = ("undercomplete", "as_wide", "overcomplete", "capacity")
REMEDIES = {
    "none": {},
    "activity": {"activation": "relu", "penalties": Penalties(activity=0.02)},
    "mean_activation": {"activation": "sigmoid", "penalties": Penalties(sparsity=0.1, target=0.1)},
    "k_sparse": {"keep": 8},
    "denoising": {"corruption": "gaussian"},
    "contraction": {"activation": "sigmoid", "penalties": Penalties(contraction=0.1)},
}
NAMES = tuple(f"{design}/{remedy}" for design, remedy in product(DESIGNS, REMEDIES))
MEASURES = {"error": "", "training_error": "", "scrambled_error": "", "denoising": "dB", "class_error": "%"}
LIKELIHOOD = LIKELIHOODS["unit_gaussian"](0)


@dataclass(frozen=True, kw_only=True)
class FailuresSettings(ImageSettings):
    """Failures of autoencoders, and their repair."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""
    steps: Count = 1500
    evaluate_every: Count = 500
    save_every: Count = 1000
    designs: tuple[Literal[*DESIGNS], ...] = DESIGNS
    """how the nets fail, and one that does not"""
    remedies: tuple[Literal[*REMEDIES], ...] = tuple(REMEDIES)
    """what is done about it"""
    examples: Count = 300
    """training images that are used: few, so that too much capacity shows"""
    latent: Count = 8
    """numbers in the code that is narrower than the image"""
    overcomplete: Count = 256
    """numbers in the code that is wider"""
    capacity: tuple[Count, ...] = (256, 256)
    """hidden units of the net that has too much capacity"""
    noise: Annotated[float, Gt(0)] = 0.3
    """standard deviation of the noise, in training with it and where denoising is measured"""


class Trained(NamedTuple):
    """One of the autoencoders, and how it is trained."""

    net: Autoencoder
    corrupt: Corrupt
    penalties: Penalties


def trained_nets(settings: FailuresSettings, dataset: Dataset) -> dict[str, Trained]:
    """Each design with each remedy, by name."""
    return {f"{design}/{remedy}": trained_net(settings, dataset, design, remedy)
            for design, remedy in product(settings.designs, settings.remedies)}  # fmt: skip


def trained_net(settings: FailuresSettings, dataset: Dataset, design: str, remedy: str) -> Trained:
    """A design with a remedy; k-sparse codes narrower than twice k keep half of their numbers."""
    wide = {"as_wide": int(np.prod(dataset.image_shape)), "overcomplete": settings.overcomplete}
    latent = wide.get(design, settings.latent)
    choice = {"activation": "linear", "keep": 0, "corruption": "none", "penalties": Penalties()} | REMEDIES[remedy]
    head = CodeHead(latent, choice["activation"], min(choice["keep"], latent // 2))
    widths = settings.capacity if design == "capacity" else ()
    net = mlp_autoencoder(head, dataset.image_shape, outputs=1, widths=widths)
    one_layer = choice["activation"] == "sigmoid" and not widths
    corrupt = corruption_of(choice["corruption"], settings.noise)
    return Trained(net, corrupt, choice["penalties"]._replace(closed_form=one_layer))


def data(settings: FailuresSettings) -> Dataset:
    """The images, of the training split the first few."""
    dataset = settings.load()
    few = dataset.head("train", settings.examples)
    protocol = f"{dataset.protocol}; trained on {len(few['image'])}"
    return dataset._replace(splits=dataset.splits | {"train": few}, protocol=protocol)


def task(settings: FailuresSettings, dataset: Dataset) -> Task:
    """The nets side by side."""
    example = jnp.zeros((1, *dataset.image_shape))

    def learner(trained: Trained) -> Learner:
        apply = settings.in_training(trained.net.apply)
        loss_fn = reconstruction_loss(apply, LIKELIHOOD, trained.corrupt, trained.penalties)
        return Learner(loss_fn, lambda key: trained.net.init(key, example), make_optimizer(settings, settings.steps))

    return side_by_side({name: learner(trained) for name, trained in trained_nets(settings, dataset).items()})


def restored(net: Autoencoder, params, images):
    """Images [batch, …] as a net gives them back."""
    return LIKELIHOOD.mean(net.apply(params, images)["decoded"])


def monitor(settings: FailuresSettings, dataset: Dataset) -> LossFn:
    """The squared error of each net on clean images, and the mean over the nets."""
    nets = trained_nets(settings, dataset)

    def loss_fn(params, batch, keys):
        images = batch["image"]
        errors = {
            f"{name}/error": jax.vmap(squared_error)(images, restored(trained.net, params[name], images))
            for name, trained in nets.items()
        }
        return jnp.mean(jnp.stack(list(errors.values())), axis=0), errors

    return loss_fn


def nearest_mean_error(codes, labels, train_codes, train_labels, classes: int):
    """100 where a code's nearest class mean, of the training codes, is another class's; else 0."""
    members = jax.nn.one_hot(train_labels, classes, axis=0)
    means = members @ train_codes / jnp.maximum(members.sum(axis=1, keepdims=True), 1)
    distances = jnp.sum((codes[:, None] - means) ** 2, axis=-1)
    return 100.0 * (jnp.argmin(distances, axis=1) != labels).astype(codes.dtype)


def evaluate(settings: FailuresSettings, dataset: Dataset):
    """For each net what it restores of new, of trained and of scrambled images, how much noise it removes (the gain of
    the signal-to-noise ratio), and how many test images lie nearest to another class's mean code.
    """
    nets, train = trained_nets(settings, dataset), jax.tree.map(jnp.asarray, dataset.splits["train"])
    classes = int(np.max(dataset.splits["train"]["label"])) + 1

    def measures(net, params, batch, keys):
        images, old = batch["image"], train["image"]
        scramble, noise = (jax.vmap(lambda key, n=n: jax.random.fold_in(key, n))(keys) for n in (0, 1))
        scrambled = jax.vmap(lambda key, image: jax.random.permutation(key, image.ravel()).reshape(image.shape))(
            scramble, images
        )
        noisy = jax.vmap(lambda key, image: gaussian_noise(key, image, level=settings.noise))(noise, images)
        denoised, signal_to_noise = restored(net, params, noisy), jax.vmap(peak_signal_to_noise)
        training_error = jnp.mean(jax.vmap(squared_error)(old, restored(net, params, old)))
        codes, old_codes = (net.apply(params, given, method="encode") for given in (images, old))
        return {
            "error": jax.vmap(squared_error)(images, restored(net, params, images)),
            "training_error": jnp.broadcast_to(training_error, len(images)),
            "scrambled_error": jax.vmap(squared_error)(scrambled, restored(net, params, scrambled)),
            "denoising": signal_to_noise(images, denoised) - signal_to_noise(images, noisy),
            "class_error": nearest_mean_error(codes, batch["label"], old_codes, train["label"], classes),
        }

    def metric_fn(params, batch, keys):
        return {
            f"{name}/{measure}": values
            for name, trained in nets.items()
            for measure, values in measures(trained.net, params[name], batch, keys).items()
        }

    return metric_fn


def figures(settings: FailuresSettings, dataset: Dataset, params) -> dict:
    """The table of one seed."""
    test = jax.tree.map(jnp.asarray, dataset.head("test", 1000))
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    measured = jax.jit(evaluate(settings, dataset))(params, test, jax.random.split(key, len(test["image"])))
    means = {name: float(np.mean(values)) for name, values in measured.items()}
    return {"table": table_of(means, list(trained_nets(settings, dataset)), list(MEASURES))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=FailuresSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": ""} | {f"{name}/{measure}": unit for name in NAMES for measure, unit in MEASURES.items()},
)
