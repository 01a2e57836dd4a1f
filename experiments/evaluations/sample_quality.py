"""What a classifier says of drawn images beside real ones: whether they are what was asked for, and as various."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from experiments.errors import WrongInput
from experiments.networks.digit_classifier.classifier import Classifier
from losses.metrics.sample_quality import frechet_distance, nearest_distances, share_within
from models.feature_maps import feature_maps
from train.task import Params

UNITS = {
    "classifier_accuracy": "%",
    "classifier_confidence": "%",
    "frechet_distance": "squared feature distance",
    "precision": "%",
    "recall": "%",
    "nearest": "RMSE per pixel",
}


def classifier_features(
    classifier: Classifier, params: Params, images: Float[Array, "images height width channels"]
) -> tuple[Float[Array, "images features"], Float[Array, "images classes"]]:
    """What the classifier's last layer sees, and its logits. ``WrongInput`` where it shows no features."""
    if classifier.network is None:
        raise WrongInput("this classifier is several networks, and shows no features: take a run of one network")
    flat = [each for each in feature_maps(classifier.network, params, images).values() if each.ndim == 2]
    return flat[-2], flat[-1]


def sample_quality(
    classifier: Classifier,
    params: Params,
    images: Float[Array, "drawn height width channels"],
    labels: Int[Array, " drawn"] | None,
    real: Float[Array, "real height width channels"],
    trained: Float[Array, "trained height width channels"],
) -> Mapping[str, Float[Array, ""]]:
    """The measures of ``losses.metrics.sample_quality`` in the features of the classifier's last layer.

    ``classifier_accuracy`` is the share of drawn images that it takes for what their label says, where they have one;
    ``classifier_confidence`` the mean of its greatest probability; ``nearest`` the mean distance to the nearest trained
    image. Numbers depend on the classifier and on how many images there are.
    """
    (seen, logits), (seen_real, _) = (classifier_features(classifier, params, each) for each in (images, real))
    flat, of_trained = (each.reshape(len(each), -1) for each in (images, trained))
    found = {
        "classifier_confidence": 100 * jax.nn.softmax(logits).max(axis=1).mean(),
        "frechet_distance": frechet_distance(seen, seen_real),
        "precision": 100 * share_within(seen, seen_real),
        "recall": 100 * share_within(seen_real, seen),
        "nearest": nearest_distances(flat, of_trained).mean() / flat.shape[1] ** 0.5,
    }
    if labels is None:
        return found
    return found | {"classifier_accuracy": 100 * jnp.mean(logits.argmax(axis=1) == labels, dtype=logits.dtype)}
