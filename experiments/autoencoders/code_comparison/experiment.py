"""Codes compared: PCA, a nonlinear and a deep autoencoder side by side, with codes of two and of many numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from experiments.autoencoders.code_comparison.card import CARD
from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.codec import Codec, network_codec, training_pca
from experiments.networks.training import NetworkTraining, without_noise
from experiments.numerals import counted
from experiments.objectives.observation import identity
from experiments.objectives.reconstruction import Penalties, reconstruction_loss, squared_error
from experiments.plots.codes import code_planes
from experiments.plots.images import image_rows
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from train.evaluation import MetricFn
from train.optimizers import Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Task

LIKELIHOOD = LIKELIHOODS["bernoulli"](2)
MODELS = {"pca": "PCA", "nonlinear": "nonlinear", "deep": "deep"}
"""What codes, and its name in figures."""
CODES = tuple(f"{model}_{size}" for size in ("two", "many") for model in MODELS)


@dataclass(frozen=True, kw_only=True)
class CodeComparisonSettings(Settings):
    """Codes of one size, by PCA and by autoencoders of one layer and of several."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)
    images: Flat[GreyImageData] = GreyImageData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization()
    latent: Count = 8
    """numbers in the larger code; the smaller has two"""
    widths: tuple[Count, ...] = (256, 128)
    """hidden units of the deep autoencoder on either side of its code; the other has the first layer alone"""

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers in a code, by the name of the size."""
        return {"two": 2, "many": self.latent}


def networks(settings: CodeComparisonSettings, dataset: Dataset) -> dict[str, Autoencoder]:
    """The autoencoders by name: a linear code behind one hidden layer or behind all, of either size."""
    layers = {"nonlinear": settings.widths[:1], "deep": settings.widths}
    return {
        f"{model}_{size}": mlp_autoencoder(CodeHead(latent), dataset.image_shape, outputs=1, widths=widths)
        for size, latent in settings.sizes.items()
        for model, widths in layers.items()
    }


def loss_of(apply: Callable) -> LossFn:
    """The cross-entropy of one net."""
    return reconstruction_loss(apply, LIKELIHOOD, identity, Penalties())


def task(settings: CodeComparisonSettings, dataset: Dataset) -> Task:
    """The nets side by side."""
    example = jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)

    def learner(net: Autoencoder) -> Learner:
        return Learner(loss_of(settings.training.wrap(net.apply)), lambda key: net.init(key, example), optimizer)

    return side_by_side({name: learner(net) for name, net in networks(settings, dataset).items()})


def closed_forms(settings: CodeComparisonSettings, dataset: Dataset) -> dict[str, Codec]:
    """PCA of the training images, with as many numbers as the nets' codes have."""
    return {f"pca_{size}": training_pca(dataset, latent) for size, latent in settings.sizes.items()}


def codecs(
    settings: CodeComparisonSettings, dataset: Dataset, params: Params, closed: dict[str, Codec]
) -> dict[str, Codec]:
    """All codes, PCA's first."""
    nets = networks(settings, dataset)
    return closed | {name: network_codec(net, LIKELIHOOD, params[name]) for name, net in nets.items()}


def monitor(settings: CodeComparisonSettings, dataset: Dataset) -> LossFn:
    """The loss of each net and the mean over them."""
    losses = {name: loss_of(without_noise(net.apply)) for name, net in networks(settings, dataset).items()}

    def loss_fn(params, batch, keys):
        each = {f"{name}/loss": loss(params[name], batch, keys)[0] for name, loss in losses.items()}
        return jnp.mean(jnp.stack(list(each.values())), axis=0), each

    return loss_fn


def evaluate(settings: CodeComparisonSettings, dataset: Dataset) -> MetricFn:
    """Squared error of each reconstruction."""
    closed = closed_forms(settings, dataset)  # here, or XLA would compute it while it compiles

    def metric_fn(params, batch, keys):
        images = batch["image"]
        return {
            f"{name}/squared_error": jax.vmap(squared_error)(images, codec.reconstruct(images))
            for name, codec in codecs(settings, dataset, params, closed).items()
        }

    return metric_fn


def figures(settings: CodeComparisonSettings, dataset: Dataset, params: Params) -> dict:
    """Reconstructions line by line, and the plane of the two numbers with the classes in it."""
    test = dataset.head("test", 2000)
    images, shown = jax.device_put(test["image"]), jax.device_put(test["image"][:16])
    every = codecs(settings, dataset, params, closed_forms(settings, dataset))

    def rows(size: str) -> dict:
        again = {
            f"{label}, {settings.sizes[size]}": every[f"{model}_{size}"].reconstruct(shown)
            for model, label in MODELS.items()
        }
        return {"original": shown} | again

    drawn = {
        "reconstructions": image_rows(rows("many"), title=f"codes of {counted(settings.latent, 'number')}"),
        "reconstructions_from_two": image_rows(rows("two"), title="codes of 2 numbers"),
    }
    if "label" in test:
        planes = {"PCA": every["pca_two"].encode(images), "deep autoencoder": every["deep_two"].encode(images)}
        drawn["codes"] = code_planes(planes, test["label"])
    return drawn


EXPERIMENT = Experiment(
    card=CARD,
    settings=CodeComparisonSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats"}
    | {f"{name}/loss": "nats" for name in CODES}
    | {f"{name}/squared_error": "" for name in CODES},
)
