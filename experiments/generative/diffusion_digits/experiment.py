"""Diffusion of digits: a U-Net that finds the noise in an image, and draws digits of a class that is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import ImageData
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.evaluations.sample_quality import (
    UNITS,
    protocols,
    real_images,
    sample_quality,
    seen,
    weights_in_words,
)
from experiments.generative.diffusion_digits.card import CARD
from experiments.generative.diffusion_digits.figures import denoising_strips, evenly, rows_of_classes
from experiments.networks.diffusion import Diffusion, GuidedSampling
from experiments.networks.training import without_noise
from experiments.numerals import counted
from experiments.objectives.diffusion import (
    DenoisingOptions,
    Said,
    diffusion_loss,
    drawn,
    drawn_between,
    guided,
)
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, LabelOptions, Sampler, WayOptions
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from models.denoisers import UNetDenoiser
from models.dropout import with_dropout
from train.evaluation import WholeSet
from train.optimizers import Fraction, NotNegative, Optimization, make_optimizer
from train.precision import Precision, compute_in
from train.task import LossFn, Params, Stream, Task, stream_key, supervised

OF_EACH, AT_A_TIME = 10, 50
"""Drawn images of each class in the figures, and images that are drawn at a time."""


@dataclass(frozen=True, kw_only=True)
class DiffusionDigitsSettings(Settings):
    """A diffusion of images."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64, evaluate_every=250)
    images: Flat[ImageData] = ImageData(binarization="none")
    process: Flat[Diffusion] = Diffusion()
    optimization: Flat[Optimization] = Optimization(
        learning_rate=2e-3, schedule="cosine", warmup_steps=100, clip_norm=1.0, average_decay=0.99
    )
    sampling: Flat[GuidedSampling] = GuidedSampling()
    judge: Flat[ClassifierChoice] = ClassifierChoice()
    channels: tuple[Count, ...] = (16, 32)
    """of the U-Net's levels, each of half the resolution of the one before"""
    blocks: Count = 1
    """residual blocks of a level on the way down; one more on the way up"""
    dropout: Fraction = 0.0
    """share that is dropped in training between the convolutions of a block"""
    precision: Precision = "float32"
    """of the network in training; parameters, losses and the final evaluation are float32"""
    conditional: bool = True
    """whether the network is told the class"""
    unlabelled: Fraction = 0.1
    """share of training images of which it is not told, so that it can be asked without"""
    samples: Annotated[int, Ge(4), OfEvaluation] = 500
    """drawn images that are judged, as many of each class"""

    def __post_init__(self):
        super().__post_init__()
        self.process.check(self.sampling.sampling_steps, "--sampling-steps")

    def idle(self) -> dict[str, str]:
        """What a label decides, without labels."""
        fields = () if self.conditional else ("unlabelled", "guidance")
        return super().idle() | dict.fromkeys(fields, "with --no-conditional")


def data(settings: DiffusionDigitsSettings) -> Dataset:
    """Images of which there is a classifier; ``DataError`` where their sides cannot be halved as often as needed."""
    dataset = settings.images.load()
    settings.judge.load(dataset)
    height, width, _ = dataset.image_shape
    halvings = len(settings.channels) - 1
    if height % 2**halvings or width % 2**halvings:
        raise DataError(
            f"--channels has {len(settings.channels)} levels, and images of {height}×{width} cannot be halved "
            f"{halvings} times"
        )
    return dataset


def classes_told(settings: DiffusionDigitsSettings, dataset: Dataset) -> int:
    """How many classes the network is told of."""
    return dataset.required_classes() if settings.conditional else 0


def network(settings: DiffusionDigitsSettings, dataset: Dataset) -> UNetDenoiser:
    """The denoiser."""
    classes = classes_told(settings, dataset)
    return UNetDenoiser(settings.channels, settings.blocks, classes, settings.dropout)


def _loss(settings: DiffusionDigitsSettings, dataset: Dataset, apply: Callable, unlabelled: float) -> LossFn:
    classes = classes_told(settings, dataset)
    return diffusion_loss(
        apply, settings.process, lambda batch: 2 * batch["image"] - 1, classes=classes, unlabelled=unlabelled
    )


def task(settings: DiffusionDigitsSettings, dataset: Dataset) -> Task:
    """Descent on the squared error of what is said of noisy images."""
    model, image = network(settings, dataset), jnp.zeros((1, *dataset.image_shape))
    label = jnp.zeros(1, jnp.int32) if settings.conditional else None
    apply = with_dropout(compute_in(settings.precision, model.apply), rate=0.0, input_rate=0.0)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = _loss(settings, dataset, apply, settings.unlabelled)
    return supervised(loss_fn, lambda key: model.init(key, image, jnp.full(1, 0.5), label), optimizer)


def monitor(settings: DiffusionDigitsSettings, dataset: Dataset) -> LossFn:
    """The same loss of held-out images, every label told."""
    return _loss(settings, dataset, without_noise(network(settings, dataset).apply), 0.0)


def drawn_image(
    settings: DiffusionDigitsSettings,
    dataset: Dataset,
    sampling: GuidedSampling,
    params: Params,
    key: Key[Array, ""],
    label: Int[Array, ""],
) -> tuple[Float[Array, "height width channels"], Float[Array, "steps height width channels"]]:
    """An image of a class, in [0, 1], and what it was taken for at each step."""
    said = said_of(settings, dataset, sampling, params, label)
    image, passed = drawn(key, said, dataset.image_shape, settings.process, sampling, bound=1.0)
    return jax.tree.map(in_greys, (image, passed.clean))


def said_of(
    settings: DiffusionDigitsSettings, dataset: Dataset, sampling: GuidedSampling, params: Params, label: Int[Array, ""]
) -> Said:
    """What the network says of noisy images of a class."""
    labels, classes = label[None] if settings.conditional else None, classes_told(settings, dataset)
    return guided(network(settings, dataset).apply, params, labels, classes=classes, guidance=sampling.guidance)


def in_greys(image: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """From [−1, 1] to [0, 1]."""
    return jnp.clip((image + 1) / 2, 0, 1)


def drawn_images(
    settings: DiffusionDigitsSettings, dataset: Dataset, params: Params, key: Key[Array, ""], labels: Int[Array, " n"]
) -> tuple[Float[Array, "n height width channels"], Float[Array, "n steps height width channels"]]:
    """An image of each label, and what it was taken for; some at a time, so that memory is bounded."""
    draw = partial(drawn_image, settings, dataset, settings.sampling, params)
    keys = jax.random.split(key, len(labels))
    return jax.lax.map(lambda pair: draw(*pair), (keys, labels), batch_size=AT_A_TIME)


def evaluate_whole(settings: DiffusionDigitsSettings, dataset: Dataset) -> WholeSet:
    """What a classifier says of drawn images, beside the test images."""
    classifier, labels = settings.judge.load(dataset), np.arange(settings.samples) % dataset.required_classes()
    real = real_images(dataset)

    def measure(params, data, key):
        judge, test = data
        images, _ = drawn_images(settings, dataset, params, key, jnp.asarray(labels))
        return seen(classifier, judge, images, test)

    asked = labels if settings.conditional else None
    quality = partial(sample_quality, trained=real["train"], labels=asked)
    return WholeSet((classifier.params, real["test"]), measure, quality)


def how_measured(settings: DiffusionDigitsSettings, dataset: Dataset) -> Mapping[str, str]:
    """How the measures of drawn images were taken."""
    sampling = settings.sampling
    guidance = f", guidance {sampling.guidance:g}" if settings.conditional else ""
    weights = weights_in_words(settings.average_decay)
    drawn_by = f"{weights}, {counted(sampling.sampling_steps, 'step')} of {sampling.sampler}{guidance}"
    classifier = settings.judge.load(dataset)
    return protocols(settings.samples, classifier, dataset, weights=drawn_by, labelled=settings.conditional)


def figures(settings: DiffusionDigitsSettings, dataset: Dataset, params: Params) -> dict:
    """Drawn images in rows of their classes, and some of them on their way from noise."""
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    classes = dataset.required_classes()
    labels = jnp.repeat(jnp.arange(classes), OF_EACH)

    images, seen = jax.jit(partial(drawn_images, settings, dataset))(params, key, labels)
    return {"samples": rows_of_classes(images, OF_EACH), "denoising": denoising_strips(seen[:: OF_EACH + 1])}


@dataclass(frozen=True, kw_only=True)
class DiffusionOptions(DenoisingOptions, LabelOptions, WayOptions):
    """How an image is drawn."""

    guidance: NotNegative | None = None
    """how far what is said with a label is carried on beyond what is said without one"""
    denoising: Annotated[int, Ge(0)] = 0
    """images of what each sample was taken for, from the first step, of noise alone, to the last"""


def draw(settings: DiffusionDigitsSettings, dataset: Dataset, options: DiffusionOptions, params: Params) -> Callable:
    """An image of a class; what it was taken for on the way, and images of the class on the way to another."""
    sampling = options.sampling(settings.process, settings.sampling)
    label_of = options.labels(dataset)

    def from_noise(key: Key[Array, ""]) -> Example:
        label_key, image_key = jax.random.split(key)
        label = label_of(label_key)
        image, passed = drawn_image(settings, dataset, sampling, params, image_key, label)
        found = {"image": image, "label": label} if settings.conditional else {"image": image}
        if options.denoising:
            found["denoising"] = passed[evenly(len(passed), options.denoising)]
        if options.interpolation:
            said = said_of(settings, dataset, sampling, params, label)
            given = image_key, said, dataset.image_shape, settings.process, sampling
            found["interpolation"] = in_greys(drawn_between(*given, between=options.between, bound=1.0))
        return found

    return from_noise


EXPERIMENT = Experiment(
    card=CARD,
    settings=DiffusionDigitsSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": ""} | UNITS,
    protocols=how_measured,
    network=network,
    sampler=Sampler(draw=draw, options=DiffusionOptions),
)
