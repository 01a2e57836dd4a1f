"""Convolutional classifier in the lectures' notation: any pattern, with batch normalisation or without."""

from dataclasses import dataclass

from experiments.convnets.convnet.card import CARD
from experiments.datasets import Dataset
from experiments.evaluations.convnet_views import convnet_figures
from experiments.networks.convolutional import ImageClassifierSettings, PatternNetwork
from experiments.objectives.image_classification import image_classification_monitor, image_classification_task
from experiments.plots.convnets import volume_table
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat
from models.convnets.pattern_net import PatternNet
from models.convnets.volumes import receptive_fields, volumes
from train.task import Params


@dataclass(frozen=True, kw_only=True)
class ConvNetSettings(ImageClassifierSettings):
    """Convolutional classifier in the lectures' notation."""

    architecture: Flat[PatternNetwork] = PatternNetwork()

    @property
    def normalizes(self) -> bool:
        """Whether BN stands in the pattern."""
        return self.architecture.normalizes


def data(settings: ConvNetSettings) -> Dataset:
    """Images; ``DataError`` where the pattern does not fit them."""
    dataset = settings.images.load()
    settings.architecture.check(dataset)
    return dataset


def network(settings: ConvNetSettings, dataset: Dataset) -> PatternNet:
    """The classifier, with one output for each class of the data set."""
    return settings.architecture.classifier(dataset.required_classes(), settings.normalized_together)


def figures(settings: ConvNetSettings, dataset: Dataset, params: Params) -> dict:
    """The table of volumes, and what is to be seen of any convolutional net."""
    layers = settings.architecture.layers()
    table = volumes(layers, dataset.image_shape, classes=dataset.required_classes())
    drawn = convnet_figures(network(settings, dataset), params, dataset, fields=receptive_fields(layers))
    return drawn | {"volumes": volume_table(table)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=ConvNetSettings,
    data=data,
    task=lambda settings, dataset: image_classification_task(network(settings, dataset), settings, dataset),
    monitor=lambda settings, dataset: image_classification_monitor(network(settings, dataset)),
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
