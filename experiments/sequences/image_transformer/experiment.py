"""Image transformer: an image as a sequence of patches, named by an encoder with a token for the answer."""

from dataclasses import dataclass

import jax
import numpy as np

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.translations import mean_weights
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.classification import classification_loss
from experiments.plots.classifier import classifier_figures
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.image_transformer.card import CARD
from experiments.sequences.image_transformer.figures import looked_at
from models.image_transformer import ImageTransformer
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

SEEN, DRAWN = 250, 10
"""Test images that are classified for the figures, and drawn with what is looked at."""


@dataclass(frozen=True, kw_only=True)
class ImageTransformerSettings(Settings):
    """Classification of images by a transformer encoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64, evaluate_every=250)
    images: Flat[GreyImageData] = GreyImageData()
    transformer: Flat[Transformer] = Transformer(depth=2, width=64, dropout=0.1)
    optimization: Flat[Optimization] = Optimization(
        learning_rate=2e-3, warmup_steps=100, schedule="cosine", clip_norm=1.0
    )
    patch: Count = 2
    """pixels of a patch's side"""


def data(settings: ImageTransformerSettings) -> Dataset:
    """Images; ``DataError`` where patches do not fill them."""
    dataset = settings.images.load()
    height, width, _ = dataset.image_shape
    if height % settings.patch or width % settings.patch:
        raise DataError(
            f"images of {height} × {width} in {dataset.name} are not filled by patches of --patch {settings.patch}: "
            "take a common divisor of both sides"
        )
    return dataset


def network(settings: ImageTransformerSettings, dataset: Dataset) -> ImageTransformer:
    """Image → one logit a class."""
    return ImageTransformer(dataset.required_classes(), settings.transformer.shape, settings.patch)


def task(settings: ImageTransformerSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the classes."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    loss_fn = classification_loss(settings.transformer.wrap(model.apply), "cross_entropy")
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: ImageTransformerSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return classification_loss(without_noise(network(settings, dataset).apply), "cross_entropy")


def figures(settings: ImageTransformerSettings, dataset: Dataset, params: Params) -> dict:
    """What is taken for what, and which patches the answer looks at: the mean over blocks and heads."""
    model, test = network(settings, dataset), dataset.head("test", SEEN)
    predicted = np.asarray(jax.jit(model.apply)(params, test["image"]).argmax(axis=-1))
    images = test["image"][:DRAWN]
    weights = mean_weights(model, params, images, name="self_weights")[:, 0, 1:]
    height, width, _ = dataset.image_shape
    squares = weights.reshape(-1, height // settings.patch, width // settings.patch)
    return classifier_figures(test["image"], test["label"], predicted) | {"attention": looked_at(images, squares)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=ImageTransformerSettings,
    data=data,
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
