"""LeNet-5, its ancestor of 1989, and their descendants on digits."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge
from flax import linen as nn

from experiments.convnets.lenet.card import CARD, DIGITS
from experiments.datasets import DataError, Dataset
from experiments.datasets.images.smaller import fewer, resized
from experiments.evaluations.convnet_views import convnet_figures
from experiments.networks.convolutional import ImageClassifierSettings, PatternNetwork
from experiments.numerals import counted
from experiments.objectives.classification import UNITS
from experiments.objectives.image_classification import image_classification_monitor, image_classification_task
from experiments.plots.convnets import volume_table
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat
from models.convnets.lenet import ConvNet1989, LeNet5
from models.convnets.volumes import receptive_fields, volumes
from train.task import Params

PAPERS = {"lenet5": (LeNet5, (28, 28, 1)), "convnet_1989": (ConvNet1989, (16, 16, 1))}
"""Networks that are no pattern, and the images that they take."""


@dataclass(frozen=True, kw_only=True)
class LeNetSettings(ImageClassifierSettings):
    """LeNet-5 and its relatives."""

    network: Literal["pattern", "lenet5", "convnet_1989"] = "pattern"
    """pattern: the layers of --pattern; lenet5 and convnet_1989: as LeCun et al. published them in 1998 and 1989"""
    architecture: Flat[PatternNetwork] = PatternNetwork(pattern=DIGITS)
    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    """what is minimised; squared_error: from 1 for the true class and −1 for the others"""
    side: Annotated[int, Ge(0)] = 0
    """pixels of a side to which images are resized; 0: as they are"""
    examples: tuple[Annotated[int, Ge(1)], ...] = ()
    """images that are kept for training and for the test, two numbers; without a value all"""

    def __post_init__(self):
        super().__post_init__()
        if len(self.examples) not in (0, 2):
            raise ValueError(f"--examples takes two numbers, of training and of test images, got {self.examples}")

    def idle(self) -> dict[str, str]:
        """A pattern's fields where the network is none."""
        fields = () if self.network == "pattern" else ("pattern", "initializer")
        return super().idle() | dict.fromkeys(fields, f"with --network {self.network}")

    @property
    def normalizes(self) -> bool:
        """Whether BN stands in the pattern."""
        return self.network == "pattern" and self.architecture.normalizes


def data(settings: LeNetSettings) -> Dataset:
    """Images; ``DataError`` where the network cannot take them."""
    dataset = settings.images.load()
    if settings.examples:
        train, test = settings.examples
        dataset = fewer(dataset, train=train, test=test)
    if settings.side:
        dataset = resized(dataset, side=settings.side)
    if settings.network == "pattern":
        settings.architecture.check(dataset)
    else:
        _check_images(dataset, settings.network)
    return dataset


def _check_images(dataset: Dataset, name: str) -> None:
    """``DataError`` where a network that takes images of one size, in 10 classes, is given others."""
    expected, found = (*PAPERS[name][1], 10), (*dataset.image_shape, dataset.required_classes())
    if expected != found:
        raise DataError(
            f"--network {name} takes images of {_in_words(expected)}, those of {dataset.name} are of "
            f"{_in_words(found)}: add --side {expected[0]}, or take --network pattern"
        )


def _in_words(shape: tuple[int, ...]) -> str:
    height, width, channels, classes = shape
    return f"{height}×{width}×{channels} in {counted(classes, 'class')}"


def network(settings: LeNetSettings, dataset: Dataset) -> nn.Module:
    """The classifier."""
    if settings.network == "pattern":
        return settings.architecture.classifier(dataset.required_classes(), settings.normalized_together)
    return PAPERS[settings.network][0]()


def figures(settings: LeNetSettings, dataset: Dataset, params: Params) -> dict:
    """What is to be seen of any convolutional net, and of a pattern the table of volumes."""
    model = network(settings, dataset)
    if settings.network != "pattern":
        return convnet_figures(model, params, dataset)
    layers = settings.architecture.layers()
    table = volumes(layers, dataset.image_shape, classes=dataset.required_classes())
    drawn = convnet_figures(model, params, dataset, fields=receptive_fields(layers))
    return drawn | {"volumes": volume_table(table)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=LeNetSettings,
    data=data,
    task=lambda settings, dataset: image_classification_task(
        network(settings, dataset), settings, dataset, loss=settings.loss
    ),
    monitor=lambda settings, dataset: image_classification_monitor(network(settings, dataset), loss=settings.loss),
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": lambda settings: UNITS[settings.loss]},
    network=network,
    classifier=lambda settings, dataset: network(settings, dataset).apply,
)
