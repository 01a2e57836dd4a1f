"""What an autoencoder is for: compressor, searcher, detector, imputer, denoiser, feature extractor, in one table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import jax
import optax
from annotated_types import Ge
from jaxtyping import Array, Key

from experiments.autoencoders.latent_uses.card import CARD
from experiments.autoencoders.latent_uses.figures import latent_uses_figures
from experiments.datasets import DataError, Dataset
from experiments.datasets.left_out import LEFT_OUT, without_label
from experiments.evaluations.codec import Images, pca_codec
from experiments.evaluations.downstream import (
    OUT_OF_DISTRIBUTION,
    DownstreamProtocol,
    chance_levels,
    out_of_distribution,
    reconstruction_tasks,
    retrieval,
)
from experiments.evaluations.downstream_examples import downstream_examples
from experiments.evaluations.linear_probe import FEATURES, Baselines, classifier_errors, probe_loss, zero_probes
from experiments.networks.autoencoder import AutoencoderNetwork
from experiments.networks.untrained import untrained_params
from experiments.numerals import counted
from experiments.objectives.autoencoding import (
    AutoencodingSettings,
    ReconstructionObjective,
    held_out_loss,
    network,
    training_loss,
)
from experiments.run.experiment import Experiment
from experiments.run.saved import ParametricAutoencoder, saved_autoencoder, saved_data, saved_params
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings, flat_fields
from train.evaluation import WholeSet, whole_set_key
from train.optimizers import Positive, make_optimizer
from train.players import Player, alternating
from train.task import LossFn, Params, Task

SYSTEMS = ("autoencoder", "pca")
OF_TRAINING = {field.name for field in flat_fields(AutoencodingSettings)} - {
    field.name for field in flat_fields(Settings)
}


@dataclass(frozen=True, kw_only=True)
class LatentUsesSettings(AutoencodingSettings):
    """Downstream tasks of an autoencoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=3000)
    architecture: Flat[AutoencoderNetwork] = AutoencoderNetwork(latent=16)
    objective: Flat[ReconstructionObjective] = ReconstructionObjective(corruption="gaussian")
    protocol: Flat[DownstreamProtocol] = DownstreamProtocol()
    autoencoder: Path | None = None
    """a run folder of `autoencoder` or `vae` whose network is used as it is; without one, one is trained"""
    labels: Count = 100
    """training images whose label the linear classifiers see"""
    probe_rate: Positive = 0.01
    """learning rate of these classifiers, by Adam"""
    left_out: Annotated[int, Ge(0)] | None = None
    """a label whose images are no part of training and are to be found as anomalies"""
    searched: Annotated[Count, OfEvaluation] = 2000
    """training images that are searched, and that PCA is fitted to, at most"""
    measured: Annotated[Count, OfEvaluation] = 1000
    """test images that are measured, at most"""

    def __post_init__(self):
        super().__post_init__()
        if max(self.labels, self.protocol.neighbours) > self.searched:
            raise ValueError("--labels and --neighbours are some of the training images --searched: at most as many")
        if self.autoencoder and self.left_out is not None:
            raise ValueError("--left-out is for training without a label: leave it out, or --autoencoder")

    def idle(self) -> dict[str, str]:
        """Where an autoencoder is given, all that trains one."""
        if self.autoencoder is None:
            return super().idle()
        reason = "with --autoencoder, whose run has decided the network and its data"
        return dict.fromkeys(OF_TRAINING - {"data_dir", "accumulate", "average_decay"}, reason)


def data(settings: LatentUsesSettings) -> Dataset:
    """Labelled images, those of one label kept apart where asked for."""
    saved = settings.autoencoder
    dataset = saved_data(saved, settings.images.data_dir) if saved else settings.images.load()
    dataset.required_classes()
    found = len(dataset.head("train", settings.searched)["image"])
    if max(settings.labels, settings.protocol.neighbours) > found:
        raise DataError(
            f"{dataset.name} has {counted(found, 'training image')}: --labels and --neighbours must be at most as many"
        )
    return dataset if settings.left_out is None else without_label(dataset, settings.left_out)


def autoencoder(settings: LatentUsesSettings, dataset: Dataset) -> ParametricAutoencoder:
    """The one that is given, or the one that is trained."""
    if settings.autoencoder:
        return saved_autoencoder(settings.autoencoder, dataset)
    codec = settings.architecture.build(dataset).codec
    return ParametricAutoencoder(network(settings, dataset), codec, held_out_loss(settings, dataset))


def searched_images(settings: LatentUsesSettings, dataset: Dataset) -> dict[str, Array]:
    """The training images that are searched, and their labels; the first ones are labelled for the classifiers."""
    return jax.device_put(dataset.head("train", settings.searched))


def baselines(used: ParametricAutoencoder, images: Images) -> Baselines:
    """What an autoencoder is compared with."""
    untrained = used.codec(untrained_params(used.network, images[:1]))
    return Baselines(pca_codec(images, untrained.encode(images[:1]).shape[1]), untrained)


def task(settings: LatentUsesSettings, dataset: Dataset) -> Task:
    """The autoencoder, unless it is given, and beside it linear classifiers of its code and of the baselines'."""
    used, stored = autoencoder(settings, dataset), searched_images(settings, dataset)
    compared, example = baselines(used, stored["image"]), stored["image"][:1]
    given = saved_params(settings.autoencoder, dataset) if settings.autoencoder else None

    def init_params(key):
        probes = zero_probes(compared.features(compared.untrained, example), dataset.classes)
        return {"autoencoder": used.network.init(key, example) if given is None else given, "probes": probes}

    images, labels = (stored[name][: settings.labels] for name in ("image", "label"))
    probe = probe_loss(lambda params: compared.features(used.codec(params["autoencoder"]), images), labels)
    if given is None:
        optimizer = make_optimizer(settings.optimization, settings.loop.steps)
        learner = Player(of_autoencoder(training_loss(settings, dataset)), optimizer)
    else:
        learner = Player(of_autoencoder(used.loss), optax.identity(), updates=0)
    return alternating({"autoencoder": learner, "probes": Player(probe, optax.adam(settings.probe_rate))}, init_params)


def of_autoencoder(loss_fn: LossFn) -> LossFn:
    """The loss of the parameters that are the autoencoder's."""
    return lambda params, batch, keys: loss_fn(params["autoencoder"], batch, keys)


def monitor(settings: LatentUsesSettings, dataset: Dataset) -> LossFn:
    """The autoencoder's own loss: it stays as it is where the autoencoder was given."""
    own = of_autoencoder(autoencoder(settings, dataset).loss)

    def loss_fn(params, batch, keys):
        losses, metrics = own(params, batch, keys)
        return losses, {f"autoencoder/{name}": value for name, value in metrics.items()}

    return loss_fn


def anomalies(key: Key[Array, ""], images: Images, left_out: Images | None) -> dict[str, Images]:
    """What is to be told from the test images, by its kind."""
    made = {kind: out_of_distribution(key, images, kind) for kind in OUT_OF_DISTRIBUTION}
    return made if left_out is None else made | {LEFT_OUT: left_out}


def whole_sets(settings: LatentUsesSettings, dataset: Dataset) -> dict[str, dict[str, Array]]:
    """Training images that are searched, test images that are measured, and images of the label left out, if any."""
    sizes = {"train": settings.searched, "test": settings.measured, LEFT_OUT: settings.measured}
    return {split: dataset.head(split, size) for split, size in sizes.items() if split in dataset.splits}


def evaluate_whole(settings: LatentUsesSettings, dataset: Dataset) -> WholeSet:
    """Every task, done by the autoencoder, by PCA and by what either has to be better than."""
    used, protocol = autoencoder(settings, dataset), settings.protocol
    compared = baselines(used, searched_images(settings, dataset)["image"])

    def measure(params, sets, key):
        stored, images, labels = sets["train"], sets["test"]["image"], sets["test"]["label"]
        codec = used.codec(params["autoencoder"])
        features, searched = (compared.features(codec, each) for each in (images, stored["image"]))
        labelled = {name: each[: settings.labels] for name, each in searched.items()}
        errors = classifier_errors(params["probes"], features, labelled, labels)
        measured = {f"{name}/classifier_error": error for name, error in errors.items()}
        measured |= retrieval(features, searched, labels, stored["label"], protocol)
        unseen = anomalies(key, images, sets.get(LEFT_OUT, {}).get("image"))
        for name, each in zip(SYSTEMS, (codec, compared.pca), strict=True):
            done = reconstruction_tasks(each, images, stored["image"], unseen, key, protocol)
            measured |= {f"{name}/{task}": value for task, value in done.items()}
        return measured | chance_levels(images, labels, stored, key, protocol)

    return WholeSet(whole_sets(settings, dataset), measure)


def figures(settings: LatentUsesSettings, dataset: Dataset, params: Params) -> dict:
    """Searches, imputations, noise removed, errors of what is out of distribution, and rate against distortion."""
    used, sets = autoencoder(settings, dataset), whole_sets(settings, dataset)
    pca = baselines(used, jax.device_put(sets["train"]["image"])).pca
    key = whole_set_key(jax.random.key(settings.seeds.seed))  # the anomalies are those that were measured

    @jax.jit
    def examples(params, sets, key):
        stored, images = sets["train"]["image"], sets["test"]["image"]
        unseen = anomalies(key, images, sets.get(LEFT_OUT, {}).get("image"))
        codec = used.codec(params["autoencoder"])
        return downstream_examples(codec, pca, images, stored, unseen, key, settings.protocol)

    latent = pca.encode(jax.device_put(sets["train"]["image"][:1])).shape[1]
    return latent_uses_figures(examples(params, sets, key), latent=latent, noise=settings.protocol.noise)


PER_CENT = {f"{name}/{task}": "%" for name in FEATURES for task in ("classifier_error", "search", "neighbours")}
DECIBELS = {f"{name}/{task}": "dB" for name in SYSTEMS for task in ("psnr", "compression", "denoising", "imputation")}
AREAS = {f"{name}/anomaly_{kind}": "AUC" for name in SYSTEMS for kind in (*OUT_OF_DISTRIBUTION, LEFT_OUT)}
CHANCE_LEVELS = {"chance/search": "%", "chance/neighbours": "%"} | dict.fromkeys(
    ("noisy_image/denoising", "mean_image/imputation", "mean_image/psnr"), "dB"
)

EXPERIMENT = Experiment(
    card=CARD,
    settings=LatentUsesSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "autoencoder/squared_error": ""}
    | {f"autoencoder/{part}": "nats" for part in ("reconstruction", "penalty", "kl")}
    | {f"{name}/compression_bits": "bits" for name in SYSTEMS}
    | PER_CENT
    | DECIBELS
    | AREAS
    | CHANCE_LEVELS,
)
