"""Linear classifiers of codes: a feature is as good as what can be read off it from few labels."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from experiments.evaluations.codec import Codec, Images
from train.task import LossFn, Params

Features = Mapping[str, Float[Array, "images features"]]
FEATURES = ("autoencoder", "pca", "untrained", "pixels")
"""What is classified; the first changes while it is trained, the others are what it is compared with."""


class Baselines(NamedTuple):
    """PCA of training images with as many numbers as a code has, and the network before training."""

    pca: Codec
    """with the components of the training images that are searched"""
    untrained: Codec
    """with the weights that key 0 gives"""

    def features(self, codec: Codec, images: Images) -> Features:
        """By the names of ``FEATURES``."""
        codes = (each.encode(images) for each in (codec, self.pca, self.untrained))
        return dict(zip(FEATURES, (*codes, images.reshape(len(images), -1)), strict=True))


def zero_probes(features: Features, classes: int) -> Params:
    """Weights of zero, by the name of the feature."""
    return {
        name: {"kernel": jnp.zeros((each.shape[1], classes)), "bias": jnp.zeros(classes)}
        for name, each in features.items()
    }


def logits(probes: Params, features: Features, labelled: Features) -> dict[str, Float[Array, "images classes"]]:
    """The logits of each classifier, of features in units of the labelled images' mean and deviation."""

    def of_one(name: str) -> Float[Array, "images classes"]:
        spread = labelled[name].std(axis=0)
        unit = (features[name] - labelled[name].mean(axis=0)) / jnp.where(spread > 0, spread, 1.0)
        return unit @ probes[name]["kernel"] + probes[name]["bias"]

    return {name: of_one(name) for name in features}


def probe_loss(features_of: Callable[[Params], Features], labels: Int[Array, " labelled"]) -> LossFn:
    """The sum of the classifiers' cross-entropies on all labelled images, the same for every example of a batch.

    Nothing but ``params["probes"]`` has a gradient.
    """

    def loss_fn(params, batch, keys):
        features = jax.lax.stop_gradient(features_of(params))
        predicted = logits(params["probes"], features, features).values()
        losses = [optax.losses.softmax_cross_entropy_with_integer_labels(each, labels).mean() for each in predicted]
        return jnp.broadcast_to(sum(losses), len(batch["image"])), {}

    return loss_fn


def classifier_errors(probes: Params, features: Features, labelled: Features, labels: Int[Array, " images"]) -> dict:
    """The share of images that each classifier gets wrong, in percent."""
    predicted = {name: each.argmax(axis=1) for name, each in logits(probes, features, labelled).items()}
    return {name: 100 * jnp.mean((each != labels).astype(float)) for name, each in predicted.items()}
