"""Normalising flow of images: how many bits a pixel costs, with uniform noise in the bins or noise that is learned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Key

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.evaluations.sample_quality import (
    UNITS,
    protocols,
    real_images,
    sample_quality,
    seen,
    weights_in_words,
)
from experiments.generative.flow_digits.card import CARD
from experiments.networks.flow import ImageFlowNetwork
from experiments.objectives.flow import dequantized_bits, uniform_noise
from experiments.plots.images import image_grid
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, Sampler, WayOptions
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.flow import change_of_variables
from models.image_flow import ImageFlow
from models.latent import spherical_interpolation
from train.evaluation import MetricFn, WholeSet
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised

SHOWN = 60
"""Images of each kind in the figure of draws."""
STARTED_WITH = 256
"""Training images that activation normalisation standardises before the first step."""


@dataclass(frozen=True, kw_only=True)
class ImageFlowSettings(Settings):
    """A flow of images."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1200, batch_size=64, chunk=25, evaluate_every=250)
    images: Flat[GreyImageData] = GreyImageData()
    architecture: Flat[ImageFlowNetwork] = ImageFlowNetwork()
    optimization: Flat[Optimization] = Optimization(learning_rate=2e-3, schedule="cosine", clip_norm=1.0)
    judge: Flat[ClassifierChoice] = ClassifierChoice()
    samples: Annotated[int, Ge(0), OfEvaluation] = 500
    """drawn images that are judged; 0: none"""
    importance_samples: Annotated[Count, OfEvaluation] = 8
    """draws of the noise in the bins by which the result is bounded; in training there is one"""

    def __post_init__(self):
        super().__post_init__()
        if 0 < self.samples < 4:
            raise ValueError(f"--samples {self.samples} have no third neighbours: 4 at least, or 0 for none")

    def idle(self) -> dict[str, str]:
        """Nobody judges no images."""
        return super().idle() | ({} if self.samples else {"classifier": "with --samples 0"})


def data(settings: ImageFlowSettings) -> Dataset:
    """The images, of which there is a classifier where some are judged; ``DataError`` where the number of their levels
    is not known.
    """
    dataset = settings.images.load()
    if settings.samples:
        settings.judge.load(dataset)
    if settings.images.binarization == "static":
        return dataset._replace(levels=2)
    if dataset.levels < 2:
        raise DataError(
            f"{dataset.name} does not say how many grey levels it has, on which bits depend: type --data digits, or "
            "--data idx with --data-dir"
        )
    return dataset


def network(settings: ImageFlowSettings, dataset: Dataset) -> ImageFlow:
    """The flow and what fills the bins."""
    return settings.architecture.build(dataset)


def task(settings: ImageFlowSettings, dataset: Dataset) -> Task:
    """Descent on the bits of one draw; the flow begins where it standardises the first training images."""
    model, first = network(settings, dataset), jax.device_put(dataset.head("train", STARTED_WITH)["image"])

    def init_params(key: Key[Array, ""]) -> Params:
        for_network, for_noise = jax.random.split(key)
        return model.init(for_network, first, uniform_noise(jax.random.split(for_noise, len(first)), first))

    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(dequantized_bits(model.apply, samples=1), init_params, optimizer)


def monitor(settings: ImageFlowSettings, dataset: Dataset) -> LossFn:
    """The same loss."""
    return dequantized_bits(network(settings, dataset).apply, samples=1)


def evaluate(settings: ImageFlowSettings, dataset: Dataset) -> MetricFn:
    """The tighter bound of several draws."""
    loss_fn = dequantized_bits(network(settings, dataset).apply, samples=settings.importance_samples)

    def metric_fn(params, batch, keys):
        bits, metrics = loss_fn(params, batch, keys)
        return {"bits_per_dimension": bits, **metrics}

    return metric_fn


def evaluate_whole(settings: ImageFlowSettings, dataset: Dataset) -> WholeSet:
    """What a classifier says of drawn images, beside the test images."""
    if not settings.samples:
        return WholeSet((), lambda params, data, key: {})
    model, classifier, real = network(settings, dataset), settings.judge.load(dataset), real_images(dataset)

    def measure(params, data, key):
        judge, test = data
        latents = jax.random.normal(key, (settings.samples, test[0].size))
        return seen(classifier, judge, model.apply(params, latents, method="invert")[0], test)

    quality = partial(sample_quality, trained=real["train"], labels=None)
    return WholeSet((classifier.params, real["test"]), measure, quality)


def how_measured(settings: ImageFlowSettings, dataset: Dataset) -> Mapping[str, str]:
    """How the measures of drawn images were taken."""
    if not settings.samples:
        return {}
    weights, classifier = weights_in_words(settings.average_decay), settings.judge.load(dataset)
    return protocols(settings.samples, classifier, dataset, weights=weights, labelled=False)


def figures(settings: ImageFlowSettings, dataset: Dataset, params: Params) -> dict:
    """Draws at two temperatures, and ways between draws along great circles of the latent."""
    model, size = network(settings, dataset), dataset.head("train", 1)["image"].size
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    fractions = jnp.linspace(0.0, 1.0, 10)

    @jax.jit
    def computed(params, key):
        latents = jax.random.normal(key, (SHOWN, size))
        one, other = latents[:6], latents[6:12]
        way = jax.vmap(jax.vmap(spherical_interpolation, (None, None, 0)), (0, 0, None))(one, other, fractions)
        stacked = jnp.concatenate([latents, 0.7 * latents, way.reshape(-1, size)])
        return jnp.split(model.apply(params, stacked, method="invert")[0], [SHOWN, 2 * SHOWN])

    drawn, cooler, ways = jax.device_get(computed(params, key))
    shown = np.concatenate([dataset.head("train", SHOWN)["image"], drawn, cooler])
    return {
        "samples": image_grid(shown, columns=20, title="images, draws, cooler draws (0.7)"),
        "interpolations": image_grid(ways, columns=10, title="from draw to draw along great circles"),
    }


@dataclass(frozen=True, kw_only=True)
class FlowOptions(WayOptions):
    """How latents are drawn."""

    temperature: NotNegative = 1.0
    """standard deviation of the latents; that of the flow's own density is 1"""


def draw(settings: ImageFlowSettings, dataset: Dataset, options: FlowOptions, params: Params) -> Callable:
    """An image, and the logarithm of the flow's density at the place in its bin that was drawn, in nats; bins have the
    width 1; and images on the way to another draw.
    """
    model, size = network(settings, dataset), dataset.head("train", 1)["image"].size
    invert = partial(model.apply, params, method="invert")

    def from_latent(key: Key[Array, ""]) -> Example:
        ends = options.temperature * jax.random.normal(key, (2, size))
        images, log_determinants = invert(ends[:1])
        drawn = {"image": images[0], "log_density": change_of_variables(ends[0], -log_determinants[0])}
        return drawn | {"interpolation": invert(options.between(ends))[0]} if options.interpolation else drawn

    return from_latent


EXPERIMENT = Experiment(
    card=CARD,
    settings=ImageFlowSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "bits", "bits_per_dimension": "bits", "nll": "nats"}
    | {name: unit for name, unit in UNITS.items() if name != "classifier_accuracy"},
    protocols=how_measured,
    network=network,
    sampler=Sampler(draw=draw, options=FlowOptions),
)
