"""Activation maximisation and feature inversion: images that are made by descent in the input of a trained net."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Ge, Le
from jaxtyping import Array, Float

from experiments.datasets import Dataset, fingerprint
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.numerals import counted
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.vision.activation_maximization.card import CARD
from experiments.vision.activation_maximization.figures import drawings
from experiments.vision.activation_maximization.pictures import INVERSIONS, WAYS, Regularizers, Workshop, in_range
from experiments.vision.activation_maximization.units import (
    MOST_LAYERS,
    all_layers,
    check_layers,
    layers_with_weights,
    units_of,
)
from models.feature_maps import feature_shapes
from train.evaluation import MetricFn, WholeSet
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.regularization import projected
from train.task import Batch, LossFn, Metrics, Params, Task, supervised

REFERENCE = 2000
"""Training images, at most, that activations are compared with."""


@dataclass(frozen=True, kw_only=True)
class ActivationMaximizationSettings(Settings):
    """Pictures that a trained net asks for."""

    loop: Flat[LoopSettings] = LoopSettings(steps=400, batch_size=1, evaluate_every=50, save_every=200)
    images: Flat[GreyImageData] = GreyImageData()
    judge: Flat[ClassifierChoice] = ClassifierChoice()
    optimization: Flat[Optimization] = Optimization(learning_rate=0.05, schedule="cosine")
    layers: tuple[str, ...] = ()
    """layers whose units are maximised, by name as conv1; without one all that have weights"""
    units: Count = 16
    """units of each layer, at most"""
    target: Literal["unit", "filter"] = "unit"
    """of a convolution the unit in the middle of a filter's map, or the mean of the map"""
    ways: tuple[Literal[*WAYS], ...] = tuple(WAYS)
    """regularisers of maximised pictures: none, each by itself, all together"""
    norm: NotNegative = 0.05
    """weight of the squared norm of what is added to the mean image, where activations are in standard deviations over
    training images"""
    variation: NotNegative = 0.03
    """weight of the total variation"""
    variation_power: Annotated[float, Ge(1)] = 2.0
    """of the lengths that total variation adds up: 1 keeps edges, 2 is smooth everywhere"""
    jitter: Annotated[int, Ge(0), Le(1000)] = 1
    """pixels that a picture is moved by at most, anew in each step"""
    blur: Annotated[NotNegative, Le(100)] = 0.5
    """deviation in pixels of the Gaussian that a picture is seen through"""
    invert: Count = 10
    """images that are found again from their features: the first of the test"""
    inverted_layers: tuple[str, ...] = ()
    """layers that images are found again from, by name; without one all"""
    inversion_variation: NotNegative = 1e-3
    """weight of the total variation of such images, where errors of features are shares of 1"""

    def __post_init__(self):
        super().__post_init__()
        if not self.ways or len(set(self.ways)) < len(self.ways):
            raise ValueError(f"--ways takes one way or more, none twice, got {' '.join(self.ways) or 'none'}")

    def idle(self) -> dict[str, str]:
        """Regularisers that no way has; all pictures move in each step."""
        used = {part for way in self.ways for part in WAYS[way]}
        absent = {part: f"with --ways {' '.join(self.ways)}" for part in WAYS["together"] if part not in used}
        return super().idle() | absent | {"batch_size": "as every step moves all pictures"}

    def regularizers(self) -> Regularizers:
        """Those of the pictures."""
        return Regularizers(**{field.name: getattr(self, field.name) for field in fields(Regularizers)})


def data(settings: ActivationMaximizationSettings) -> Dataset:
    """The images that are inverted, numbered, as every split; in the context the net's parameters, training images,
    and how much they excite the units.
    """
    dataset = settings.images.load()
    inverted = {"image": dataset.head("test", settings.invert)["image"]}
    inverted["index"] = np.arange(len(inverted["image"]), dtype=np.int32)
    splits, reference = dict.fromkeys(("train", "valid", "test"), inverted), dataset.head("train", REFERENCE)["image"]
    protocol = (
        f"{dataset.protocol}; inverted: the first {counted(len(inverted['index']), 'test image')}; compared with "
        f"{counted(len(reference), 'training image')}"
    )
    made = dataset._replace(
        splits=splits,
        protocol=protocol,
        fingerprint=fingerprint(splits, reference),
        context={"net": jax.device_get(settings.judge.load(dataset).params)},
    )
    shop = workshop(settings, made)

    @jax.jit
    def active(images: Array) -> Array:
        return shop.units.of_all_pictures(shop.maps(images))

    found = np.concatenate([np.asarray(active(reference[i : i + 250])) for i in range(0, len(reference), 250)])
    deviation = found.std(axis=0)
    compared = {"images": reference, "mean_image": reference.mean(axis=0)}
    compared |= {"mean": found.mean(axis=0), "largest": found.max(axis=0)}
    compared["deviation"] = np.where(deviation > 0, deviation, 1).astype(found.dtype)
    return made._replace(context=made.context | compared)


def workshop(settings: ActivationMaximizationSettings, dataset: Dataset) -> Workshop:
    """What pictures are made with; ``WrongInput`` where the net has no such layers."""
    network, params = settings.judge.network(dataset), jax.tree.map(jnp.asarray, dataset.context["net"])
    shapes = feature_shapes(network, params, dataset.image_shape)
    check_layers("--layers", settings.layers, shapes)
    check_layers("--inverted-layers", settings.inverted_layers, shapes)
    chosen = settings.layers or layers_with_weights(shapes)
    units = units_of(shapes, chosen, most=settings.units, target=settings.target)
    layers = settings.inverted_layers or tuple(all_layers(shapes))
    return Workshop(
        network=network,
        params=params,
        units=units,
        layers=layers,
        ways=settings.ways,
        regularizers=settings.regularizers(),
    )


def in_deviations(activations: Mapping[str, Array], context: Mapping[str, Array]) -> dict[str, Float[Array, " units"]]:
    """Of each way, how many standard deviations above the mean over training images."""
    return {way: (each - context["mean"]) / context["deviation"] for way, each in activations.items()}


def task(settings: ActivationMaximizationSettings, dataset: Dataset) -> Task:
    """Descent of all pictures, each on its own term of the sum; the batch is not looked at."""
    shop, images = workshop(settings, dataset), jax.device_put(dataset.whole("train")["image"])

    mean = dataset.context["mean_image"]

    def loss_fn(params, batch, keys):
        pictures = shop.pictures(params)
        activations, errors = shop.look(shop.jittered(pictures, keys[0]), images)
        excited = in_deviations(activations, dataset.context)
        maximized, inverted = shop.terms(pictures, excited, errors, mean)
        return jnp.full(len(keys), maximized + inverted.sum()), {}

    in_the_range = projected(partial(jax.tree.map, in_range))
    optimizer = optax.chain(make_optimizer(settings.optimization, settings.loop.steps), in_the_range)
    return supervised(loss_fn, lambda key: shop.begin(key, mean, len(images)), optimizer)


def monitor(settings: ActivationMaximizationSettings, dataset: Dataset) -> LossFn:
    """Of each way the units' activation, of inverted images the error, a mean over layers. The loss is what is
    minimised, without jitter: an image stands for all that are inverted.
    """
    measure = measures(settings, dataset)

    def loss_fn(params, batch, keys):
        losses, metrics = measure(params, batch)
        means = {f"{kind}/image_error": _mean_error(metrics, kind) for kind in INVERSIONS}
        return losses, {name: each for name, each in metrics.items() if name.endswith("activation")} | means

    return loss_fn


def _mean_error(metrics: Mapping[str, Array], kind: str) -> Float[Array, " batch"]:
    layers = [name for name in metrics if name.startswith(f"{kind}/") and name.endswith("/image_error")]
    return jnp.mean(jnp.stack([metrics[name] for name in layers]), axis=0)


def evaluate(settings: ActivationMaximizationSettings, dataset: Dataset) -> MetricFn:
    """The loss, of each way the units' activation, and of each inverted layer the errors of features and images."""
    measure = measures(settings, dataset)

    def metric_fn(params, batch, keys):
        losses, metrics = measure(params, batch)
        return {"loss": losses, **metrics}

    return metric_fn


def measures(settings: ActivationMaximizationSettings, dataset: Dataset) -> Callable[[Params, Batch], tuple]:
    """The function of parameters and a batch of numbered images that gives losses and metrics of each image."""
    shop, mean = workshop(settings, dataset), dataset.context["mean_image"]

    def measure(params: Params, batch: Batch) -> tuple[Float[Array, " batch"], Metrics]:
        pictures, count = shop.pictures(params), params["inverted"]["plain"].shape[1]
        pictures |= {"inverted": {kind: each[:, batch["index"]] for kind, each in params["inverted"].items()}}
        activations, errors = shop.look(pictures, batch["image"])
        excited = in_deviations(activations, dataset.context)
        maximized, inverted = shop.terms(pictures, excited, errors, mean)
        metrics = {f"{way}/activation": jnp.full(len(inverted), each.mean()) for way, each in excited.items()}
        for kind, each in pictures["inverted"].items():
            squares = jnp.mean((each - batch["image"]) ** 2, axis=(2, 3, 4))
            for number in range(len(shop.layers)):
                metrics[f"{kind}/layer_{number + 1:02}/feature_error"] = 100 * errors[kind][number]
                metrics[f"{kind}/layer_{number + 1:02}/image_error"] = jnp.sqrt(squares[number])
        return maximized + count * inverted, metrics

    return measure


def evaluate_whole(settings: ActivationMaximizationSettings, dataset: Dataset) -> WholeSet:
    """Of each way how many units are excited beyond any training image, the pictures' total variation, and how far from
    the nearest training image they are.
    """
    shop = workshop(settings, dataset)

    def measure(params, context, key):
        metrics = {}
        flat = context["images"].reshape(len(context["images"]), -1)
        for way, pictures in shop.pictures(params)["maximized"].items():
            maps = shop.maps(pictures)
            beyond = shop.units.of_own_picture(maps) > context["largest"]
            rows = pictures.reshape(len(pictures), -1)
            squares = jax.lax.map(lambda row: jnp.mean((row - flat) ** 2, axis=1).min(), rows)
            metrics[f"{way}/beyond"] = 100 * beyond.astype(flat.dtype).mean()
            metrics[f"{way}/variation"] = shop.variation(pictures).mean()
            metrics[f"{way}/distance"] = jnp.sqrt(squares).mean()
        return metrics

    return WholeSet(dataset.context, measure)


def figures(settings: ActivationMaximizationSettings, dataset: Dataset, params: Params) -> dict:
    """What units want, what each regulariser does to it, and what is left of images from layer to layer."""
    shop, images = workshop(settings, dataset), dataset.whole("test")["image"]
    pictures = jax.device_get(shop.pictures(params))
    return drawings(shop, pictures, images, dataset.context["mean_image"])


OF_WAYS = {
    "activation": "deviations",
    "beyond": "%",
    "variation": "",
    "distance": "RMSE per pixel",
}
OF_LAYERS = {"feature_error": "%", "image_error": "RMSE per pixel"}

EXPERIMENT = Experiment(
    card=CARD,
    settings=ActivationMaximizationSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": ""}
    | {f"{way}/{name}": unit for way in WAYS for name, unit in OF_WAYS.items()}
    | {f"{kind}/image_error": OF_LAYERS["image_error"] for kind in INVERSIONS}
    | {
        f"{kind}/layer_{number:02}/{name}": unit
        for kind in INVERSIONS
        for number in range(1, MOST_LAYERS + 1)
        for name, unit in OF_LAYERS.items()
    },
)
