"""Training of a convolutional classifier: running statistics that follow, auxiliary classifiers, shifted images."""

import jax
from flax import linen as nn
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.networks.convolutional import ImageClassifierSettings
from experiments.networks.training import without_noise
from experiments.objectives.classification import classification_loss, classification_losses
from experiments.objectives.observation import Observe, drawing, identity
from models.batch_norm import COLLECTION
from models.feature_maps import SHOWN
from models.layers.augment import random_crop, random_flip
from train.optimizers import make_optimizer
from train.statistics import moving_average
from train.task import Draw, LossFn, Task, supervised

AUXILIARY_WEIGHT = 0.3
"""Of the loss of each auxiliary classifier. Szegedy et al. 2015, section 5."""


def shifted_and_flipped(
    key: Key[Array, ""], image: Float[Array, "height width channels"]
) -> Float[Array, "height width channels"]:
    """A crop of the image with four pixels of zeros around it, or the mirror image of one. He et al. 2016, 4.2."""
    crop_key, flip_key = jax.random.split(key)
    return random_flip(flip_key, random_crop(crop_key, image, padding=4))


def image_classification_task(
    model: nn.Module,
    settings: ImageClassifierSettings,
    dataset: Dataset,
    *,
    loss: str = "cross_entropy",
    augment: Observe = identity,
) -> Task:
    """Descent on the mean loss of images as ``augment`` draws them, 0.3 times that of each auxiliary classifier added.

    Where the network normalises by batches, its running statistics follow theirs.
    """
    example = jax.device_put(dataset.example()["image"])
    apply = settings.training.wrap(model.apply)

    def loss_fn(params, batch, keys):
        images = jax.vmap(augment)(drawing(keys, Draw.OBSERVE), batch["image"])
        kept = [COLLECTION, SHOWN]
        logits, state = apply(drawing(keys, Draw.DROPOUT), params, images, training=True, mutable=kept)
        losses, metrics = classification_losses(logits, batch["label"], loss=loss)
        for head in auxiliary_logits(state):
            losses += AUXILIARY_WEIGHT * classification_losses(head, batch["label"], loss=loss)[0]
        return (losses, metrics, state[COLLECTION]) if settings.normalizes else (losses, metrics)

    follow = moving_average(COLLECTION, settings.normalization.statistics_decay) if settings.normalizes else None
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer, follow)


def auxiliary_logits(state: dict) -> list[Float[Array, "batch classes"]]:
    """The outputs of auxiliary classifiers among what a network has shown in training."""
    return [shown["output"] for name, shown in state.get(SHOWN, {}).items() if name.startswith("aux")]


def image_classification_monitor(model: nn.Module, *, loss: str = "cross_entropy") -> LossFn:
    """The same loss of images as they are, each normalised by the running statistics."""
    return classification_loss(without_noise(model.apply), loss)
