"""How autoencoders fail: a code as wide as the image or wider, or too much capacity; and what repairs it."""

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import product
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Gt
from jaxtyping import Array, Float, Int

from experiments.autoencoders.failures.card import CARD
from experiments.autoencoders.failures.figures import table_of
from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.training import NetworkTraining
from experiments.objectives.observation import Observe, corruption_of, drawing
from experiments.objectives.reconstruction import Penalties, reconstruction_loss, squared_error
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from losses.likelihoods import LIKELIHOODS
from losses.metrics.image_quality import peak_signal_to_noise
from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from models.layers.corruption import gaussian_noise
from train.evaluation import MetricFn, WholeSet, example_keys, whole_set_key
from train.feed import size_of
from train.optimizers import Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Task


class Remedy(NamedTuple):
    """What is changed about a net or its training."""

    activation: str = "linear"
    """of the code"""
    keep: int = 0
    """numbers of a code that stay, all others becoming 0; 0 is off"""
    corruption: str = "none"
    """what is done to an image before it is encoded in training"""
    penalties: Penalties = Penalties()
    """what is added to the loss"""


DESIGNS = ("undercomplete", "as_wide", "overcomplete", "capacity")
REMEDIES = {
    "none": Remedy(),
    "activity": Remedy(activation="relu", penalties=Penalties(activity=0.02)),
    "mean_activation": Remedy(activation="sigmoid", penalties=Penalties(sparsity=0.1, target=0.1)),
    "k_sparse": Remedy(keep=8),
    "denoising": Remedy(corruption="gaussian"),
    "contraction": Remedy(activation="sigmoid", penalties=Penalties(contraction=0.1)),
}
NAMES = tuple(f"{design}/{remedy}" for design, remedy in product(DESIGNS, REMEDIES))
MEASURES = {"error": "", "training_error": "", "scrambled_error": "", "denoising": "dB", "class_error": "%"}
LIKELIHOOD = LIKELIHOODS["unit_gaussian"](0)
BLOCK = 250  # images at a time where a whole set is measured


class Draw(IntEnum):
    """What an example's own key is folded with where the nets are measured."""

    SCRAMBLE = 0
    NOISE = 1


@dataclass(frozen=True, kw_only=True)
class FailuresSettings(Settings):
    """Failures of autoencoders, and their repair."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, save_every=1000)
    images: Flat[GreyImageData] = GreyImageData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()
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

    def __post_init__(self):
        super().__post_init__()
        if not (self.designs and self.remedies):
            raise ValueError("--designs and --remedies need at least one name each")
        of_batch = [name for name in self.remedies if REMEDIES[name].penalties.sparsity]
        if of_batch and self.parts > 1:
            raise ValueError(
                f"remedy {of_batch[0]} is a function of the whole batch: leave out --accumulate or the remedy"
            )

    def idle(self) -> dict[str, str]:
        """Sizes of nets that are not there."""
        needs = {"overcomplete": {"overcomplete"}, "capacity": {"capacity"}, "latent": {"undercomplete", "capacity"}}
        absent = {name: designs for name, designs in needs.items() if designs.isdisjoint(self.designs)}
        return super().idle() | {name: f"without --designs {min(designs)}" for name, designs in absent.items()}


class Trained(NamedTuple):
    """One of the autoencoders, and how it is trained."""

    net: Autoencoder
    """encoder and decoder"""
    corrupt: Observe
    """what is done to an image before it is encoded in training"""
    penalties: Penalties
    """what is added to the loss"""

    def restore(self, params: Params, images: Array) -> Array:
        """Images [batch, …] as the net gives them back."""
        return LIKELIHOOD.mean(self.net.apply(params, images)["decoded"])


def trained_nets(settings: FailuresSettings, dataset: Dataset) -> dict[str, Trained]:
    """Each design with each remedy, by name."""
    chosen = product(settings.designs, settings.remedies)
    return {f"{design}/{remedy}": trained_net(settings, dataset, design, remedy) for design, remedy in chosen}


def trained_net(settings: FailuresSettings, dataset: Dataset, design: str, remedy: str) -> Trained:
    """A design with a remedy; k-sparse codes narrower than twice k keep half of their numbers."""
    wide = {"as_wide": math.prod(dataset.image_shape), "overcomplete": settings.overcomplete}
    latent = wide.get(design, settings.latent)
    activation, keep, corruption, penalties = REMEDIES[remedy]
    widths = settings.capacity if design == "capacity" else ()
    head = CodeHead(latent, activation, min(keep, latent // 2))
    net = mlp_autoencoder(head, dataset.image_shape, outputs=1, widths=widths)
    one_layer = activation == "sigmoid" and not widths
    return Trained(net, corruption_of(corruption, settings.noise), penalties._replace(closed_form=one_layer))


def data(settings: FailuresSettings) -> Dataset:
    """The images, of the training split the first few."""
    dataset = settings.images.load()
    few = dataset.head("train", settings.examples)
    protocol = f"{dataset.protocol}; trained on {len(few['image'])}"
    return dataset._replace(splits=dataset.splits | {"train": few}, protocol=protocol)


def task(settings: FailuresSettings, dataset: Dataset) -> Task:
    """The nets side by side."""
    example = jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)

    def learner(trained: Trained) -> Learner:
        apply = settings.training.wrap(trained.net.apply)
        loss_fn = reconstruction_loss(apply, LIKELIHOOD, trained.corrupt, trained.penalties)
        return Learner(loss_fn, lambda key: trained.net.init(key, example), optimizer)

    return side_by_side({name: learner(trained) for name, trained in trained_nets(settings, dataset).items()})


def monitor(settings: FailuresSettings, dataset: Dataset) -> LossFn:
    """The squared error of each net on clean images, and the mean over the nets."""
    nets = trained_nets(settings, dataset)

    def loss_fn(params, batch, keys):
        images = batch["image"]
        errors = {
            f"{name}/error": jax.vmap(squared_error)(images, trained.restore(params[name], images))
            for name, trained in nets.items()
        }
        return jnp.mean(jnp.stack(list(errors.values())), axis=0), errors

    return loss_fn


def evaluate(settings: FailuresSettings, dataset: Dataset) -> MetricFn:
    """For each net what it restores of new and of scrambled images, and how much noise it removes: the gain of the
    signal-to-noise ratio.
    """
    nets = trained_nets(settings, dataset)

    def scramble(key, image):
        return jax.random.permutation(key, image.ravel()).reshape(image.shape)

    def metric_fn(params, batch, keys):
        images, signal_to_noise = batch["image"], jax.vmap(peak_signal_to_noise)
        scrambled = jax.vmap(scramble)(drawing(keys, Draw.SCRAMBLE), images)
        noisy = jax.vmap(partial(gaussian_noise, level=settings.noise))(drawing(keys, Draw.NOISE), images)
        noise = signal_to_noise(images, noisy)

        def measures(restore):
            return {
                "error": jax.vmap(squared_error)(images, restore(images)),
                "scrambled_error": jax.vmap(squared_error)(scrambled, restore(scrambled)),
                "denoising": signal_to_noise(images, restore(noisy)) - noise,
            }

        return {
            f"{name}/{measure}": values
            for name, trained in nets.items()
            for measure, values in measures(partial(trained.restore, params[name])).items()
        }

    return metric_fn


def evaluate_whole(settings: FailuresSettings, dataset: Dataset) -> WholeSet:
    """For each net what it restores of the images it was trained on and, where images have labels, how many test images
    lie nearest to another class's mean code, in %.
    """
    nets, classes = trained_nets(settings, dataset), dataset.classes

    def measure(params, splits, key):
        train, test = splits["train"], splits["test"]

        def error_and_code(image):
            seen = {name: trained.net.apply(params[name], image[None]) for name, trained in nets.items()}
            return {
                name: (squared_error(image, LIKELIHOOD.mean(each["decoded"])[0]), each["code"][0])
                for name, each in seen.items()
            }

        of_training = jax.lax.map(error_and_code, train["image"], batch_size=BLOCK)
        errors = {f"{name}/training_error": error.mean() for name, (error, _) in of_training.items()}
        if not classes:
            return errors
        means = {name: class_means(codes, train["label"], classes=classes) for name, (_, codes) in of_training.items()}

        def is_wrong(example):
            codes = {
                name: trained.net.apply(params[name], example["image"][None], method="encode")[0]
                for name, trained in nets.items()
            }
            return {name: nearest(code, means[name]) != example["label"] for name, code in codes.items()}

        wrong = jax.lax.map(is_wrong, {name: test[name] for name in ("image", "label")}, batch_size=BLOCK)
        return errors | {f"{name}/class_error": 100 * each.astype(float).mean() for name, each in wrong.items()}

    test = dataset.head("test", size_of(dataset.splits["test"]))
    return WholeSet({"train": dataset.splits["train"], "test": test}, measure)


def class_means(
    codes: Float[Array, "images values"], labels: Int[Array, " images"], *, classes: int
) -> Float[Array, "classes values"]:
    """The mean code of each class; infinitely far away where a class has no image."""
    members = jax.nn.one_hot(labels, classes, axis=0, dtype=codes.dtype)
    count = members.sum(axis=1, keepdims=True)
    return jnp.where(count > 0, members @ codes / jnp.maximum(count, 1), jnp.inf)


def nearest(code: Float[Array, " values"], means: Float[Array, "classes values"]) -> Int[Array, ""]:
    """The class whose mean is nearest."""
    return jnp.argmin(jnp.sum((code - means) ** 2, axis=-1))


def figures(settings: FailuresSettings, dataset: Dataset, params: Params) -> dict:
    """The table of one seed, from the first 1,000 test images, with the draws of the evaluation."""
    test, whole = dataset.head("test", 1000), evaluate_whole(settings, dataset)
    key = jax.random.key(settings.seeds.seed)
    keys = example_keys(key, jnp.arange(len(test["image"])))
    measured = jax.jit(evaluate(settings, dataset))(params, jax.device_put(test), keys)
    measured |= jax.jit(whole.measure)(params, whole.data | {"test": test}, whole_set_key(key))
    means = {name: float(jnp.mean(values)) for name, values in measured.items()}
    nets = list(trained_nets(settings, dataset))
    measures = [measure for measure in MEASURES if f"{nets[0]}/{measure}" in means]
    return {"table": table_of(means, nets, measures, images=len(test["image"]))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=FailuresSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": ""} | {f"{name}/{measure}": unit for name in NAMES for measure, unit in MEASURES.items()},
)
