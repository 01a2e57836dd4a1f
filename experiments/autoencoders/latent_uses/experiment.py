"""What an autoencoder is for: compressor, searcher, detector, imputer, denoiser, feature extractor, in one table."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt

from experiments.autoencoders import autoencoder
from experiments.autoencoders.autoencoder.experiment import AutoencoderSettings
from experiments.evaluations.codec import (
    coder_of,
    principal_components,
    saved_data,
    saved_network,
    saved_params,
)
from experiments.autoencoders.latent_uses.figures import latent_uses_figures
from experiments.evaluations.linear_probe import FEATURES, Baselines, classifier_errors, no_probes, probe_loss
from experiments.objectives.reconstruction import squared_error
from experiments.evaluations.downstream import (
    FOREIGN,
    Protocol,
    by_chance,
    foreign_images,
    observed_part,
    reconstructions,
    searches,
)
from experiments.evaluations.whole_sets import with_test_split_as_one, without_label
from experiments.datasets import DataError, Dataset
from experiments.autoencoders.latent_uses.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import NetworkSettings
from losses.likelihoods import Likelihood
from models.autoencoder import Autoencoder
from train.optimizers import Fraction, Positive, make_optimizer
from train.task import LossFn, Player, Stream, Task, alternating

Count = Annotated[int, Gt(0)]
SYSTEMS = ("autoencoder", "pca")
NOT_TRAINED = {field.name for field in dataclasses.fields(AutoencoderSettings)} - {
    field.name for field in dataclasses.fields(NetworkSettings)
}


@dataclass(frozen=True, kw_only=True)
class LatentUsesSettings(AutoencoderSettings):
    """Uses of an autoencoder."""

    steps: Count = 3000
    latent: Count = 16
    corruption: Literal["none", "gaussian", "masking", "salt_and_pepper"] = "gaussian"
    """what is done to an image before it is encoded in training"""
    autoencoder: Path | None = None
    """a run folder of `autoencoder` or `vae` whose network is used as it is; without one, one is trained"""
    labels: Count = 100
    """training images whose label the linear classifiers see"""
    probe_rate: Positive = 0.01
    """learning rate of these classifiers, by Adam"""
    left_out: Annotated[int, Ge(0)] | None = None
    """a label whose images are no part of training and are to be found as anomalies"""
    levels: Annotated[int, Ge(2)] = 8
    """values that each number of a compressed code can take"""
    noise: Positive = 0.3
    """standard deviation of the noise that is to be removed"""
    missing: Fraction = 0.5
    """share of the pixels that are to be imputed"""
    neighbours: Count = 10
    """images that a search returns"""
    searched: Count = 2000
    """training images that are searched, and that PCA is fitted to, at most"""
    measured: Count = 1000
    """test images that are measured, at most"""

    def __post_init__(self):
        super().__post_init__()
        if self.train_on != "train":
            raise ValueError("--train-on train+valid has no effect: validation images are for the learning curve")
        if max(self.labels, self.neighbours) > self.searched:
            raise ValueError("--labels and --neighbours are some of the training images --searched: at most as many")
        if self.autoencoder is None:
            return
        for field in dataclasses.fields(self):
            idle = field.name in NOT_TRAINED - {"data_dir"} or field.name == "left_out"
            if idle and getattr(self, field.name) != field.default:
                flag = field.name.replace("_", "-")
                raise ValueError(f"--{flag} has no effect: the network and its data are those of --autoencoder")


def data(settings: LatentUsesSettings) -> Dataset:
    """Labelled images, those of one label left out where asked for; the test images as one set."""
    saved = settings.autoencoder
    dataset = saved_data(saved, settings.data_dir) if saved else settings.load()
    if not {"image", "label"} <= dataset.head("train", 1).keys():
        raise DataError(f"{dataset.name} has no labelled images: search and classification are measured by labels")
    if settings.left_out is not None:
        dataset = without_label(dataset, settings.left_out)
    return with_test_split_as_one(dataset, settings.measured)


def network_of(settings: LatentUsesSettings, dataset: Dataset) -> tuple[Autoencoder, Likelihood]:
    """The network that is used, and the likelihood that its decoder parameterises."""
    if settings.autoencoder:
        return saved_network(settings.autoencoder, dataset)
    return autoencoder.model_of(settings, dataset)


def baselines_of(settings: LatentUsesSettings, dataset: Dataset) -> Baselines:
    """What the network is compared with, from the training images that are searched; weights are born of key 0."""
    model, likelihood = network_of(settings, dataset)
    stored = {name: jnp.asarray(array) for name, array in dataset.head("train", settings.searched).items()}
    untrained = coder_of(model, likelihood, jax.jit(model.init)(jax.random.key(0), stored["image"][:1]))
    size = untrained.encode(stored["image"][:1]).shape[1]
    return Baselines(stored, principal_components(stored["image"], size), untrained)


def probe_loss_of(settings: LatentUsesSettings, dataset: Dataset, baselines: Baselines) -> LossFn:
    """The classifiers' loss on the labelled images, which are the first of those that are searched."""
    model, likelihood = network_of(settings, dataset)
    images, labels = (baselines.stored[name][: settings.labels] for name in ("image", "label"))
    return probe_loss(
        lambda params: baselines.features(coder_of(model, likelihood, params["autoencoder"]), images), labels
    )


def own_loss(settings: LatentUsesSettings, dataset: Dataset, *, training: bool) -> LossFn:
    """The autoencoder's own loss where it is trained; else the squared error of its reconstructions."""
    model, likelihood = network_of(settings, dataset)
    if settings.autoencoder is None:
        plain = autoencoder.monitor(settings, dataset)
        own = autoencoder.loss_of(settings, dataset, settings.in_training(model.apply)) if training else plain
        return lambda params, batch, keys: own(params["autoencoder"], batch, keys)

    def loss_fn(params, batch, keys):
        restored = coder_of(model, likelihood, params["autoencoder"]).reconstruct(batch["image"])
        return jax.vmap(squared_error)(batch["image"], restored), {}

    return loss_fn


def task(settings: LatentUsesSettings, dataset: Dataset) -> Task:
    """The autoencoder, unless it is given, and beside it linear classifiers of its code and of the baselines'."""
    model, _ = network_of(settings, dataset)
    baselines = baselines_of(settings, dataset)
    example = baselines.stored["image"][:1]
    classes = int(baselines.stored["label"].max()) + 1
    given = saved_params(settings.autoencoder, dataset) if settings.autoencoder else None

    def init_params(key):
        probes = no_probes(baselines.features(baselines.untrained, example), classes)
        return {"autoencoder": model.init(key, example) if given is None else given, "probes": probes}

    own, probe = own_loss(settings, dataset, training=True), probe_loss_of(settings, dataset, baselines)
    trained = Player(own, make_optimizer(settings, settings.steps))
    kept = Player(own, optax.identity(), updates=0)
    return alternating(
        {"autoencoder": trained if given is None else kept, "probes": Player(probe, optax.adam(settings.probe_rate))},
        init_params,
    )


def monitor(settings: LatentUsesSettings, dataset: Dataset) -> LossFn:
    """The autoencoder's own loss: it stays as it is where the autoencoder was given."""
    return own_loss(settings, dataset, training=False)


def foreign_of(key, images, left_out) -> dict:
    """What is to be told from the test images, by its kind."""
    made = {kind: foreign_images(key, images, kind) for kind in FOREIGN}
    return made if left_out is None else made | {"left_out": left_out}


def evaluate(settings: LatentUsesSettings, dataset: Dataset):
    """Every use of the autoencoder, of PCA and of what either has to be better than; one value for the test set."""
    model, likelihood = network_of(settings, dataset)
    baselines = baselines_of(settings, dataset)
    stored = baselines.stored
    protocol = Protocol(settings.levels, settings.noise, settings.missing, settings.neighbours)

    def of_a_set(params, batch, key):
        coder = coder_of(model, likelihood, params["autoencoder"])
        images, labels = batch["image"], batch["label"]
        features, searched = baselines.features(coder, images), baselines.features(coder, stored["image"])
        labelled = {name: each[: settings.labels] for name, each in searched.items()}
        found = {"classifier_error": classifier_errors(params["probes"], features, labelled, labels)}
        found |= searches(features, searched, labels, stored["label"], protocol)
        foreign = foreign_of(key, images, batch.get("left_out"))
        for name, each in zip(SYSTEMS, (coder, baselines.pca), strict=True):
            for use, value in reconstructions(each, images, stored["image"], foreign, key, protocol).items():
                found.setdefault(use, {})[name] = value
        flat = {f"{use}/{name}": value for use, values in found.items() for name, value in values.items()}
        return flat | by_chance(images, stored, labels, key, protocol)

    def metric_fn(params, batch, keys):
        return jax.lax.map(lambda one: of_a_set(params, *one), (batch, keys))

    return metric_fn


def figures(settings: LatentUsesSettings, dataset: Dataset, params) -> dict:
    """Searches, imputations, noise removed, errors of what is foreign, and rate against distortion."""
    model, likelihood = network_of(settings, dataset)
    baselines = baselines_of(settings, dataset)
    test = {name: jnp.asarray(array[0]) for name, array in dataset.splits["test"].items()}
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    return latent_uses_figures(
        coder_of(model, likelihood, params["autoencoder"]),
        baselines.pca,
        test["image"],
        baselines.stored["image"],
        observed_part(key, test["image"], missing=settings.missing),
        foreign_of(key, test["image"], test.get("left_out")),
        noise=settings.noise,
        key=key,
    )


EXPERIMENT = Experiment(
    card=CARD,
    settings=LatentUsesSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"search/chance": "%", "neighbours/chance": "%"}
    | {f"{use}/{name}": "%" for use in ("classifier_error", "search", "neighbours") for name in FEATURES}
    | {f"{use}/{name}": "dB" for use in ("psnr", "compression", "denoising", "imputation") for name in SYSTEMS}
    | {f"compression_bits/{name}": "bits" for name in SYSTEMS}
    | {f"anomaly_{kind}/{name}": "AUC" for kind in (*FOREIGN, "left_out") for name in SYSTEMS}
    | {"denoising/noisy": "dB", "imputation/mean_image": "dB", "psnr/mean_image": "dB"},
)
