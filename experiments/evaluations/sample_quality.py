"""What a classifier says of drawn images beside real ones: whether they are what was asked for, and as various."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.networks.digit_classifier.classifier import Classifier
from experiments.numerals import counted
from losses.metrics.sample_quality import frechet_distance, nearest_distances, share_within
from models.feature_maps import feature_maps
from train.feed import size_of
from train.task import Params

UNITS = {
    "classifier_accuracy": "%",
    "classifier_confidence": "%",
    "frechet_distance": "squared feature distance",
    "precision": "%",
    "recall": "%",
    "nearest": "RMSE per pixel",
}
MOST = 5000
"""Real images of a split, at most, beside which drawn ones are seen."""


class Seen(NamedTuple):
    """Drawn images, and what a classifier has seen in them and in real ones."""

    images: Float[Array, "drawn height width channels"]
    features: Float[Array, "drawn features"]
    """what its last layer sees"""
    logits: Float[Array, "drawn classes"]
    real: Float[Array, "real features"]


def real_images(dataset: Dataset) -> dict[str, np.ndarray]:
    """The images of ``test``, beside which drawn ones are seen, and of ``train``, of which they may be copies."""
    return {split: dataset.head(split, MOST)["image"] for split in ("test", "train")}


def classifier_features(
    classifier: Classifier, params: Params, images: Float[Array, "images height width channels"]
) -> tuple[Float[Array, "images features"], Float[Array, "images classes"]]:
    """What the classifier shows last before its logits, maps as the means of their pixels; and the logits.

    ``WrongInput`` where it shows no features.
    """
    if classifier.network is None:
        raise WrongInput("this classifier is several networks, and shows no features: take a run of one network")
    logits = classifier.logits(params, images)
    shown = list(feature_maps(classifier.network, params, images).values())
    if shown and shown[-1].shape == logits.shape:
        shown.pop()
    if not shown:
        raise WrongInput("this classifier shows nothing but its logits: take one with a layer before them")
    return shown[-1] if shown[-1].ndim == 2 else shown[-1].mean(axis=(1, 2)), logits


def seen(
    classifier: Classifier,
    params: Params,
    images: Float[Array, "drawn height width channels"],
    real: Float[Array, "real height width channels"],
) -> Seen:
    """What ``sample_quality`` is of."""
    (features, logits), (of_real, _) = (classifier_features(classifier, params, each) for each in (images, real))
    return Seen(images, features, logits, of_real)


def sample_quality(
    of: Seen, *, trained: Float[np.ndarray, "trained height width channels"], labels: Int[np.ndarray, " drawn"] | None
) -> dict[str, np.ndarray]:
    """The measures of ``losses.metrics.sample_quality`` in the features of the classifier's last layer, on the host and
    in double precision.

    ``classifier_accuracy`` is the share of drawn images that it takes for what their label says, where they have one;
    ``classifier_confidence`` the mean of its greatest probability; ``nearest`` the mean distance to the nearest trained
    image. Numbers depend on the classifier and on how many images there are, which ``protocols`` says.
    """
    with jax.enable_x64(True):
        found = jax.device_get(_qualities(Seen(*(np.asarray(each, np.float64) for each in of)), np.float64(trained)))
    if labels is not None:
        found["classifier_accuracy"] = 100 * np.mean(of.logits.argmax(axis=1) == labels)
    return found


@jax.jit
def _qualities(of: Seen, trained: Array) -> dict[str, Float[Array, ""]]:
    flat, of_trained = (each.reshape(len(each), -1) for each in (of.images, trained))
    return {
        "classifier_confidence": 100 * jax.nn.softmax(of.logits).max(axis=1).mean(),
        "frechet_distance": frechet_distance(of.features, of.real),
        "precision": 100 * share_within(of.features, of.real),
        "recall": 100 * share_within(of.real, of.features),
        "nearest": nearest_distances(flat, of_trained).mean() / flat.shape[1] ** 0.5,
    }


def protocols(
    samples: int, classifier: Classifier, dataset: Dataset, *, weights: str, labelled: bool
) -> Mapping[str, str]:
    """How each measure was taken, in words: of how many samples, of which weights, beside what, in whose features."""
    drawn = f"{counted(samples, 'sample')} of {weights}"
    real, trained = (min(size_of(dataset.splits[split]), MOST) for split in ("test", "train"))
    beside = f"{drawn}; beside {counted(real, 'test image')}; features before the last layer of the {classifier.name}"
    judged = f"{drawn}; judged by the {classifier.name}"
    accuracy = {"classifier_accuracy": judged} if labelled else {}
    return accuracy | {
        "classifier_confidence": judged,
        "frechet_distance": f"{beside}; in float64",
        "precision": f"{beside}; balls to the third neighbour",
        "recall": f"{beside}; balls to the third neighbour",
        "nearest": f"{drawn}; beside {counted(trained, 'training image')}",
    }


def weights_in_words(average_decay: float) -> str:
    """Which weights are evaluated and drawn from."""
    return f"averaged weights (decay {average_decay:g})" if average_decay else "trained weights"
