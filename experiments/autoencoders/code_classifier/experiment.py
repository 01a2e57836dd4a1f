"""Codes as features: an autoencoder learns from images alone, and softmax regression reads the class off its code."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Float

from experiments.autoencoders import autoencoder
from experiments.autoencoders.autoencoder.experiment import AutoencoderSettings, first_kernel
from experiments.plots.filters import filter_grid
from experiments.plots.layerwise import errors_by_class
from experiments.objectives.reconstruction import squared_error
from experiments.datasets import Dataset
from experiments.foundations.mlp.experiment import classification_loss
from experiments.autoencoders.code_classifier.card import CARD
from experiments.run.experiment import Experiment
from models.autoencoder import Autoencoder
from models.mlp import MLP
from train.optimizers import make_optimizer
from train.task import LossFn, Params, Player, Task, alternating

Count = Annotated[int, Gt(0)]
FEATURES = ("code", "random", "pixels")
"""What is classified; ``random`` is the code of an encoder with the weights that key 0 gives, which are not trained."""


@dataclass(frozen=True, kw_only=True)
class CodeClassifierSettings(AutoencoderSettings):
    """Softmax regression on an autoencoder's code, on random features and on pixels."""

    widths: tuple[Count, ...] = ()
    """hidden units of the dense layers, or channels of the convolutions; none: one linear map to the code"""
    tied: bool = True
    """whether the decoder's weights are the encoder's, transposed"""
    latent: Count = 256
    """numbers in a code"""
    code_activation: Literal["relu", "tanh", "sigmoid", "linear"] = "relu"
    """activation of the code"""
    likelihood: Literal["bernoulli", "unit_gaussian"] = "unit_gaussian"
    """bernoulli: cross-entropy; unit_gaussian: half the squared error"""
    keep: Annotated[int, Ge(0)] = 25
    """how many of a code's largest numbers stay, all others becoming 0; 0 is off"""
    classified_keep: Annotated[int, Ge(0)] = 0
    """how many of them the classifier sees; 0: as many as the decoder"""

    def __post_init__(self):
        super().__post_init__()
        if self.classified_keep > self.latent:
            raise ValueError(f"--classified-keep must be at most --latent {self.latent}, got {self.classified_keep}")


def features(
    model: Autoencoder, params: Params, images: Float[Array, "batch height width channels"]
) -> dict[str, Float[Array, "batch features"]]:
    """By the names of ``FEATURES``; nothing is learnt through them."""
    random = model.init(jax.random.key(0), images[:1])
    codes = (model.apply(weights, images, method="encode") for weights in (params, random))
    return jax.lax.stop_gradient(dict(zip(FEATURES, (*codes, images.reshape(len(images), -1)), strict=True)))


def seen_network(settings: CodeClassifierSettings, dataset: Dataset) -> Autoencoder:
    """The network as the classifiers see it: as trained, but for how many numbers of a code stay."""
    return autoencoder.model_of(replace(settings, keep=settings.classified_keep or settings.keep), dataset)[0]


def classifier_of(dataset: Dataset) -> MLP:
    """Softmax regression: one linear layer, with an output for each label of the training set."""
    return MLP((int(np.max(dataset.splits["train"]["label"])) + 1,), "linear")


def classifiers_loss(settings: CodeClassifierSettings, dataset: Dataset) -> LossFn:
    """The sum of the cross-entropies of all features' classifiers, and the percentage that each gets wrong."""
    model, classifier = seen_network(settings, dataset), classifier_of(dataset)
    loss_fn = classification_loss(lambda keys, *given: classifier.apply(*given), "cross_entropy")

    def of_all(params, batch, keys):
        seen = features(model, params["autoencoder"], batch["image"])
        each = {
            name: loss_fn(params["classifiers"][name], batch | {"image": feature}, keys)
            for name, feature in seen.items()
        }
        errors = {f"error/{name}": metrics["error"] for name, (_, metrics) in each.items()}
        return sum(losses for losses, _ in each.values()), errors

    return of_all


def task(settings: CodeClassifierSettings, dataset: Dataset) -> Task:
    """The autoencoder descends on its own loss; after each of its updates, every classifier on its own."""
    model, _ = autoencoder.model_of(settings, dataset)
    own_loss = autoencoder.loss_of(settings, dataset, settings.in_training(model.apply))
    optimizer = make_optimizer(settings, settings.steps)

    def init_params(key):
        example = jnp.zeros((1, *dataset.image_shape))
        params = model.init(key, example)
        seen = features(seen_network(settings, dataset), params, example)
        return {
            "autoencoder": params,
            "classifiers": {name: classifier_of(dataset).init(key, feature) for name, feature in seen.items()},
        }

    return alternating(
        {
            "autoencoder": Player(lambda params, *given: own_loss(params["autoencoder"], *given), optimizer),
            "classifiers": Player(classifiers_loss(settings, dataset), optimizer),
        },
        init_params,
    )


def monitor(settings: CodeClassifierSettings, dataset: Dataset) -> LossFn:
    """The autoencoder's own loss, and the errors of all."""
    own_loss, loss_fn = autoencoder.monitor(settings, dataset), classifiers_loss(settings, dataset)

    def of_both(params, batch, keys):
        losses, _ = own_loss(params["autoencoder"], batch, keys)
        return losses, loss_fn(params, batch, keys)[1]

    return of_both


def evaluate(settings: CodeClassifierSettings, dataset: Dataset):
    """Errors, and of the autoencoder how many numbers of a code are not 0, and the squared error."""
    model, likelihood = autoencoder.model_of(settings, dataset)
    loss_fn = classifiers_loss(settings, dataset)

    def metric_fn(params, batch, keys):
        images = batch["image"]
        code = model.apply(params["autoencoder"], images, method="encode")
        restored = likelihood.mean(model.apply(params["autoencoder"], code, method="decode"))
        return loss_fn(params, batch, keys)[1] | {
            "nonzero": jnp.sum(code != 0, axis=1).astype(code.dtype),
            "squared_error": jax.vmap(squared_error)(images, restored),
        }

    return metric_fn


def figures(settings: CodeClassifierSettings, dataset: Dataset, params) -> dict:
    """Errors of the features side by side, and the weights of the encoder's first layer."""
    model, classifier = seen_network(settings, dataset), classifier_of(dataset)
    shown = dataset.head("test", 10_000)
    seen = jax.jit(lambda images: features(model, params["autoencoder"], images))(jnp.asarray(shown["image"]))
    said = {name: classifier.apply(params["classifiers"][name], feature) for name, feature in seen.items()}
    wrong = {name: np.argmax(logits, axis=-1) != shown["label"] for name, logits in said.items()}
    drawn = {"errors": errors_by_class(shown["label"], wrong)}
    if settings.network == "mlp":
        drawn["filters"] = filters(first_kernel(params["autoencoder"]), dataset.image_shape)
    return drawn


EXPERIMENT = Experiment(
    card=CARD,
    settings=CodeClassifierSettings,
    data=CodeClassifierSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error/code",
    units={f"error/{name}": "%" for name in FEATURES} | {"loss": "nats", "nonzero": "units", "squared_error": ""},
)
