"""The architectures of the lectures' case studies, trained."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge
from flax import linen as nn

from experiments.convnets.architectures.card import CARD
from experiments.datasets import DataError, Dataset
from experiments.datasets.held_out import with_held_out
from experiments.evaluations.convnet_views import convnet_figures
from experiments.networks.architectures import Architecture
from experiments.networks.convolutional import ImageClassifierSettings
from experiments.objectives.image_classification import (
    image_classification_monitor,
    image_classification_task,
    shifted_and_flipped,
)
from experiments.objectives.observation import identity
from experiments.plots.convnets import volume_table
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat
from models.convnets.volumes import receptive_fields, volumes
from models.standardized import PIXELS, Standardized
from train.task import Params, Task


@dataclass(frozen=True, kw_only=True)
class ArchitecturesSettings(ImageClassifierSettings):
    """The architectures of the case studies."""

    architecture: Flat[Architecture] = Architecture()
    augment: bool = False
    """whether each training image is shifted by up to four pixels and flipped, anew each time"""
    pixels: Literal["unit", "imagenet", "signed"] = "unit"
    """what the network sees: values from 0 to 1; or standardised by the channels of ImageNet, as published weights
    expect them; or from −1 to 1, as torchvision's GoogLeNet does"""
    held_out: Annotated[int, Ge(0)] = 0
    """images held out for validation; 0: as the data set has them"""

    @property
    def normalizes(self) -> bool:
        """Whether the network has batch normalisation."""
        return self.architecture.normalizes


def data(settings: ArchitecturesSettings) -> Dataset:
    """Images; ``DataError`` where they are too small for the architecture."""
    dataset = settings.images.load()
    if settings.held_out:
        dataset = with_held_out(dataset, settings.held_out)
    settings.architecture.check(dataset)
    if settings.pixels == "imagenet" and dataset.image_shape[-1] != 3:
        raise DataError(
            f"--pixels imagenet is for images of 3 channels, and {dataset.name} has grey ones: leave it out"
        )
    return dataset


def network(settings: ArchitecturesSettings, dataset: Dataset) -> nn.Module:
    """The classifier, with one output for each class of the data set."""
    model = settings.architecture.classifier(dataset.required_classes(), settings.normalized_together)
    return model if settings.pixels == "unit" else Standardized(model, *PIXELS[settings.pixels])


def task(settings: ArchitecturesSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of images, shifted and flipped where that is asked for."""
    augment = shifted_and_flipped if settings.augment else identity
    return image_classification_task(network(settings, dataset), settings, dataset, augment=augment)


def figures(settings: ArchitecturesSettings, dataset: Dataset, params: Params) -> dict:
    """What is to be seen of any convolutional net, and of a pattern the table of volumes."""
    model = network(settings, dataset)
    if settings.architecture.architecture != "pattern":
        return convnet_figures(model, params, dataset)
    layers = settings.architecture.layers()
    table = volumes(layers, dataset.image_shape, classes=dataset.required_classes())
    drawn = convnet_figures(model, params, dataset, fields=receptive_fields(layers))
    return drawn | {"volumes": volume_table(table)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=ArchitecturesSettings,
    data=data,
    task=task,
    monitor=lambda settings, dataset: image_classification_monitor(network(settings, dataset)),
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
