"""Latent space: samples near and far, interpolation, analogies, the decoder's geometry, maps between two models."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import numpy as np
from annotated_types import Ge

from experiments.autoencoders.latent_space.card import CARD
from experiments.autoencoders.latent_space.figures import chart_figure, chart_ways, factors, row_figures
from experiments.datasets import DataError, Dataset
from experiments.datasets.generated import shapes
from experiments.datasets.settings import ImageData
from experiments.evaluations.codec import Codec, network_codec
from experiments.evaluations.latent_examples import (
    SHOWN,
    chart_of,
    factor_examples,
    far_apart,
    interpolations,
    label_examples,
    samples_and_stitches,
    shared_information,
)
from experiments.evaluations.latent_geometry import (
    ENDS,
    RADII,
    STITCHES,
    disentanglement,
    factor_analogies,
    geodesic_length_ratio,
    label_analogies,
    nearest_distances,
    stitching_psnr,
)
from experiments.networks.training import NetworkTraining, without_noise
from experiments.numerals import counted
from experiments.objectives.evidence_bounds import negative_elbo
from experiments.objectives.observation import drawing, identity, observation
from experiments.objectives.reconstruction import Penalties, ReconstructionDraw, reconstruction_loss
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from models.vae import mlp_vae
from train.evaluation import WholeSet
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Stream, Task, stream_key

MODELS = ("first", "second", "plane")
LIKELIHOOD = LIKELIHOODS["bernoulli"](2)


@dataclass(frozen=True, kw_only=True)
class ShapesOrImages(ImageData):
    """Which images: read from files, or discs of known place and size."""

    data: str = "auto"
    """shapes (discs of known place and size) or digits; mnist or idx (a folder of IDX files), folder (of pictures), npz
    (a file of arrays) or tfds:NAME; auto is idx with --data-dir, or digits without it"""
    binarization: Literal["none", "static", "stochastic"] = "none"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""

    def __post_init__(self):
        if self.data == "shapes" and self.binarization == "static":
            raise ValueError("--data shapes is grey: --binarization must be none or stochastic, got static")

    def idle(self) -> dict[str, str]:
        """Shapes are computed, not read."""
        return dict.fromkeys(("data_dir", "train_on"), "with --data shapes") if self.data == "shapes" else {}

    def load(self) -> Dataset:
        """The data set; raises ``DataError`` where it cannot be had."""
        return shapes() if self.data == "shapes" else super().load()


@dataclass(frozen=True, kw_only=True)
class LatentSpaceSettings(Settings):
    """Latent space."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2500)
    images: Flat[ShapesOrImages] = ShapesOrImages()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()
    latent: Annotated[int, Ge(2)] = 8
    """dimensions of the latent of the first and of the second model; a third one has two"""
    widths: tuple[Count, ...] = (128, 128)
    """hidden units of the dense layers"""
    second: Literal["vae", "autoencoder"] = "vae"
    """what the second model is: a VAE of other initial weights, or a deterministic autoencoder"""
    beta: NotNegative = 0.3
    """weight of the KL term; pixels are intensities, whose cross-entropy it would outweigh at 1"""
    support: Count = 100
    """training images by which the map between the models is fitted"""
    stored: Annotated[Count, OfEvaluation] = 2000
    """training images that others are compared with, at most"""
    measured: Annotated[int, Ge(ENDS), OfEvaluation] = 1000
    """test images that are measured, at most; of shapes all are"""
    geodesic_steps: Annotated[Count, OfEvaluation] = 50
    """steps of descent of a geodesic"""

    def __post_init__(self):
        super().__post_init__()
        if self.support <= self.latent:
            raise ValueError(f"--support must be greater than --latent {self.latent}, or the map is undetermined")
        if self.support > self.stored:
            raise ValueError(f"--support is some of the training images --stored {self.stored}: at most as many")

    def idle(self) -> dict[str, str]:
        """Shapes are measured in all their combinations."""
        shapes_only = {"measured": "with --data shapes, of which all are measured"}
        return super().idle() | (shapes_only if self.images.data == "shapes" else {})


def data(settings: LatentSpaceSettings) -> Dataset:
    """Images; ``DataError`` where there are too few to measure."""
    dataset = settings.images.load()
    for split, least in (("train", settings.support), ("test", ENDS)):
        if (found := len(dataset.head(split, least)["image"])) < least:
            raise DataError(f"{dataset.name} has {counted(found, 'image')} in split {split}: expected at least {least}")
    return dataset


def network(settings: LatentSpaceSettings, dataset: Dataset, name: str) -> Autoencoder:
    """The network of one of the three; a chart is smooth, so its units are."""
    sizes = {"image_shape": dataset.image_shape, "outputs": LIKELIHOOD.outputs, "widths": settings.widths}
    sizes |= {"activation": "tanh"}
    if name == "second" and settings.second == "autoencoder":
        return mlp_autoencoder(CodeHead(settings.latent), **sizes)
    return mlp_vae(latent=2 if name == "plane" else settings.latent, **sizes)


def loss_of(settings: LatentSpaceSettings, name: str, apply) -> LossFn:
    """A model's loss of its own parameters, in nats: the negative ELBO, or the negative log-likelihood."""
    observe = observation(settings.images.binarization)
    if name == "second" and settings.second == "autoencoder":
        reconstruct = reconstruction_loss(apply, LIKELIHOOD, identity, Penalties())

        def loss_fn(params, batch, keys):
            observed = jax.vmap(observe)(drawing(keys, ReconstructionDraw.OBSERVATION), batch["image"])
            return reconstruct(params, batch | {"image": observed}, keys)

        return loss_fn
    return negative_elbo(apply, LIKELIHOOD, observe, samples=1, beta=settings.beta)


def task(settings: LatentSpaceSettings, dataset: Dataset) -> Task:
    """Three models side by side: two whose latent spaces are compared, and one with a plane as its latent."""
    example = jax.device_put(dataset.example()["image"])

    def learner(name: str) -> Learner:
        model = network(settings, dataset, name)
        loss_fn = loss_of(settings, name, settings.training.wrap(model.apply))
        optimizer = make_optimizer(settings.optimization, settings.loop.steps)
        return Learner(loss_fn, lambda key: model.init(key, example), optimizer)

    return side_by_side({name: learner(name) for name in MODELS})


def monitor(settings: LatentSpaceSettings, dataset: Dataset) -> LossFn:
    """The loss of each model without dropout, and their mean."""
    losses = {name: loss_of(settings, name, without_noise(network(settings, dataset, name).apply)) for name in MODELS}

    def loss_fn(params, batch, keys):
        each = {f"{name}/loss": losses[name](params[name], batch, keys)[0] for name in MODELS}
        return sum(each.values()) / len(each), each

    return loss_fn


def codecs(settings: LatentSpaceSettings, dataset: Dataset, params: Params) -> tuple[Codec, Codec, Codec]:
    """The three models, as functions of images and codes."""
    return tuple(network_codec(network(settings, dataset, name), LIKELIHOOD, params[name]) for name in MODELS)


def whole_sets(settings: LatentSpaceSettings, dataset: Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Training images that others are compared with, and test images that are measured; of shapes all are."""
    measured = len(dataset.splits["test"]["image"]) if settings.images.data == "shapes" else settings.measured
    return {"train": dataset.head("train", settings.stored), "test": dataset.head("test", measured)}


def evaluate_whole(settings: LatentSpaceSettings, dataset: Dataset) -> WholeSet:
    """Measures of the latent spaces; where images have labels or factors, there are some more."""

    def measure(params, sets, key):
        first, second, plane = codecs(settings, dataset, params)
        train, images, keys = sets["train"], sets["test"]["image"], jax.random.split(key, 4)
        metrics = stitching_psnr(first, second, train["image"][: settings.support], images, keys[0])
        metrics |= nearest_distances(first, images, train["image"], keys[1])
        ratio = geodesic_length_ratio(plane, images[:ENDS], steps=settings.geodesic_steps)
        metrics["plane/geodesic_length_ratio"] = ratio
        if "factors" in sets["test"]:
            metrics |= disentanglement(first.encode(images), sets["test"]["factors"], keys[2])
            metrics |= factor_analogies(first, images)
        if "label" in sets["test"]:
            metrics |= label_analogies(first, images, sets["test"]["label"], train, classes=dataset.classes)
        return metrics

    return WholeSet(whole_sets(settings, dataset), measure)


def figures(settings: LatentSpaceSettings, dataset: Dataset, params: Params) -> dict:
    """What is decoded where, and the plane with its metric."""
    sets = whole_sets(settings, dataset)
    key = stream_key(settings.seeds.seed, Stream.FIGURES)

    @jax.jit
    def encode(params, images):
        first, _, plane = codecs(settings, dataset, params)
        return first.encode(images), plane.encode(images)

    @jax.jit
    def examples(params, sets, codes, points, pairs, ends, key):
        first, second, plane = codecs(settings, dataset, params)
        train, test = sets["train"], sets["test"]
        rows = samples_and_stitches(first, second, train["image"][: settings.support], test["image"], key)
        rows["interpolation"] = interpolations(first, test["image"], codes, pairs[:3])
        shared = None
        if "label" in test:
            rows |= label_examples(first, codes, pairs[:SHOWN], test, train, classes=dataset.classes)
        if "factors" in test:
            rows |= factor_examples(first, codes, test["image"])
            shared = shared_information(codes, test["factors"])
        return rows, shared, chart_of(plane, points, ends, steps=settings.geodesic_steps)

    codes, points = encode(params, sets["test"]["image"])
    pairs, ends = far_apart(np.asarray(codes)), far_apart(np.asarray(points))[:4]
    rows, shared, chart = jax.device_get(examples(params, sets, codes, points, pairs, ends, key))
    drawn = row_figures(rows, settings.support) | ({} if shared is None else {"factors": factors(shared)})
    return drawn | {"chart": chart_figure(chart, sets["test"].get("label")), "chart_ways": chart_ways(chart)}


DISTANCE = "RMSE per pixel"
DISTANCES = {f"first/nearest_distance_{name}": DISTANCE for name in (*RADII, "linear", "spherical", "boundary")}
STITCHED = {f"{name}/psnr": "dB" for name in ("first", "second", *(f"stitched_{name}" for name in STITCHES))}
SCORES = {f"{codes}/{score}": "" for codes in ("first", "rotated", "noise") for score in ("mig", "beta_vae_score")}

EXPERIMENT = Experiment(
    card=CARD,
    settings=LatentSpaceSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats"}
    | {f"{name}/loss": "nats" for name in MODELS}
    | {"plane/geodesic_length_ratio": "", "test_images/nearest_distance": DISTANCE}
    | {"blended_images/nearest_distance": DISTANCE}
    | {f"{name}/analogy_psnr": "dB" for name in ("first", "third_image", "reconstruction")}
    | {"first/analogy_changed": "%", "first/analogy_unchanged": "%"}
    | DISTANCES
    | STITCHED
    | SCORES,
)
