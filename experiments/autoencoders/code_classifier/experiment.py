"""Codes as features: an autoencoder learns from images alone, and softmax regression reads the class off its code."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float

from experiments.autoencoders.code_classifier.card import CARD
from experiments.datasets import Dataset
from experiments.networks.autoencoder import AutoencoderNetwork
from experiments.networks.training import without_noise
from experiments.networks.untrained import untrained_params
from experiments.objectives.autoencoding import AutoencodingSettings, held_out_loss, network, training_loss
from experiments.objectives.classification import classification_loss
from experiments.objectives.reconstruction import squared_error
from experiments.plots.classifier import errors_by_class
from experiments.plots.filters import filter_grid
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings
from models.autoencoder import Autoencoder, first_kernel
from models.mlp import MLP
from train.evaluation import MetricFn
from train.optimizers import make_optimizer
from train.players import Player, alternating
from train.task import LossFn, Params, Task

FEATURES = ("code", "random", "pixels")
"""What is classified; ``random`` is the code of an encoder with the weights that key 0 gives, which are not trained."""
Images = Float[Array, "batch height width channels"]
Features = dict[str, Float[Array, "batch features"]]
FeaturesOf = Callable[[Params, Images], Features]


@dataclass(frozen=True, kw_only=True)
class CodeClassifierSettings(AutoencodingSettings):
    """Softmax regression on an autoencoder's code, on random features and on pixels."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000)
    architecture: Flat[AutoencoderNetwork] = AutoencoderNetwork(
        widths=(), tied=True, latent=256, code_activation="relu", likelihood="unit_gaussian", keep=25
    )
    classified_keep: Annotated[int, Ge(0)] = 0
    """how many of a code's largest numbers the classifier sees; 0: as many as the decoder"""

    def __post_init__(self):
        super().__post_init__()
        latent = self.architecture.latent
        if self.classified_keep > latent:
            raise ValueError(f"--classified-keep must be at most --latent {latent}, got {self.classified_keep}")

    @property
    def classified(self) -> AutoencoderNetwork:
        """The network as the classifiers see it: as trained, but for how many numbers of a code stay."""
        return replace(self.architecture, keep=self.classified_keep or self.architecture.keep)


def features(settings: CodeClassifierSettings, dataset: Dataset) -> FeaturesOf:
    """The function ``(params of the autoencoder, images) → features`` by the names of ``FEATURES``; nothing is learnt
    through them.

    The random weights are drawn here, once, and not in the function, which is called at every step.
    """
    model: Autoencoder = settings.classified.build(dataset).network
    random = untrained_params(model, dataset.example()["image"])

    def of_images(params: Params, images: Images) -> Features:
        codes = (model.apply(weights, images, method="encode") for weights in (params, random))
        return jax.lax.stop_gradient(dict(zip(FEATURES, (*codes, images.reshape(len(images), -1)), strict=True)))

    return of_images


def classifier_of(dataset: Dataset) -> MLP:
    """Softmax regression: one linear layer, with an output for each class of the data set."""
    return MLP((dataset.classes,), "linear")


def classifiers_loss(dataset: Dataset, features_of: FeaturesOf) -> LossFn:
    """The sum of the cross-entropies of all features' classifiers, and the percentage that each gets wrong."""
    loss_fn = classification_loss(without_noise(classifier_of(dataset).apply), "cross_entropy")

    def of_all(params, batch, keys):
        each = {
            name: loss_fn(params["classifiers"][name], batch | {"image": feature}, keys)
            for name, feature in features_of(params["autoencoder"], batch["image"]).items()
        }
        errors = {f"{name}/error": metrics["error"] for name, (_, metrics) in each.items()}
        return sum(losses for losses, _ in each.values()), errors

    return of_all


def task(settings: CodeClassifierSettings, dataset: Dataset) -> Task:
    """The autoencoder descends on its own loss; after each of its updates, every classifier on its own."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    classifier, features_of = classifier_of(dataset), features(settings, dataset)
    own_loss = training_loss(settings, dataset)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)

    def init_params(key):
        params = model.init(key, example)
        seen = features_of(params, example)
        return {
            "autoencoder": params,
            "classifiers": {name: classifier.init(key, feature) for name, feature in seen.items()},
        }

    return alternating(
        {
            "autoencoder": Player(lambda params, *given: own_loss(params["autoencoder"], *given), optimizer),
            "classifiers": Player(classifiers_loss(dataset, features_of), optimizer),
        },
        init_params,
    )


def monitor(settings: CodeClassifierSettings, dataset: Dataset) -> LossFn:
    """The autoencoder's own loss, and the errors of all."""
    own_loss, loss_fn = held_out_loss(settings, dataset), classifiers_loss(dataset, features(settings, dataset))

    def of_both(params, batch, keys):
        losses, _ = own_loss(params["autoencoder"], batch, keys)
        return losses, loss_fn(params, batch, keys)[1]

    return of_both


def evaluate(settings: CodeClassifierSettings, dataset: Dataset) -> MetricFn:
    """Errors, and of the autoencoder how many numbers of a code are not 0, and the squared error."""
    model, likelihood = settings.architecture.build(dataset)
    loss_fn = classifiers_loss(dataset, features(settings, dataset))

    def metric_fn(params, batch, keys):
        images = batch["image"]
        code = model.apply(params["autoencoder"], images, method="encode")
        restored = likelihood.mean(model.apply(params["autoencoder"], code, method="decode"))
        return loss_fn(params, batch, keys)[1] | {
            "nonzero": jnp.sum(code != 0, axis=1).astype(code.dtype),
            "squared_error": jax.vmap(squared_error)(images, restored),
        }

    return metric_fn


def figures(settings: CodeClassifierSettings, dataset: Dataset, params: Params) -> dict:
    """Errors of the features side by side, and the weights of the encoder's first layer."""
    classifier, shown = classifier_of(dataset), dataset.head("test", 10_000)
    seen = jax.jit(features(settings, dataset))(params["autoencoder"], jax.device_put(shown["image"]))
    apply = jax.jit(classifier.apply)
    said = {name: apply(params["classifiers"][name], seen[name]) for name in FEATURES}
    wrong = {name: np.argmax(np.asarray(logits), axis=-1) != shown["label"] for name, logits in said.items()}
    drawn = {"errors": errors_by_class(shown["label"], wrong)}
    if settings.architecture.network == "mlp":
        drawn["filters"] = filter_grid(first_kernel(params["autoencoder"]), dataset.image_shape)
    return drawn


EXPERIMENT = Experiment(
    card=CARD,
    settings=CodeClassifierSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="code/error",
    units={f"{name}/error": "%" for name in FEATURES} | {"loss": "nats", "nonzero": "units", "squared_error": ""},
)
