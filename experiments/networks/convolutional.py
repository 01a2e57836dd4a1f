"""Convolutional classifiers by settings: a pattern in the lectures' notation, and what batch normalisation needs."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge
from flax import linen as nn

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.training import NetworkTraining
from experiments.numerals import counted
from experiments.run.settings import Flat, LoopSettings, Settings
from models.convnets.pattern import BatchNormalization, Layer, parse_pattern, written
from models.convnets.pattern_net import PatternNet
from models.convnets.published import PATTERNS
from models.convnets.volumes import volumes
from train.optimizers import Fraction, Optimization

INITIALIZERS = {
    "he": nn.initializers.he_normal(),
    "glorot": nn.initializers.glorot_uniform(),
    "lecun": nn.initializers.lecun_normal(),
}


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """What batch normalisation takes, where the network has it."""

    group: Annotated[int, Ge(0)] = 0
    """examples that are normalised together; 0: the whole batch"""
    statistics_decay: Fraction = 0.9
    """of the running statistics:  r ← decay · r + (1 − decay) · those of the batch"""

    def check(self, *, batch_size: int, parts: int) -> None:
        """``ValueError`` where the parts that a batch is accumulated in would cut a group."""
        part, together = batch_size // parts, self.group or batch_size
        if part % together:
            raise ValueError(
                f"with --accumulate {parts} a part of a batch has {counted(part, 'example')}, of which {together} are "
                f"normalised together: add --group with a divisor of that number"
            )


@dataclass(frozen=True, kw_only=True)
class PatternNetwork:
    """A network in the lectures' notation."""

    pattern: str = "[[CONV 16 → BN → RELU]*2 → POOL]*2 → FC"
    """layers, as in "[[CONV 16 -> RELU]*2 -> POOL]*2 -> [FC 64 -> RELU]*1 -> FC", with BN for batch normalisation; or
    the name of a published net, such as vgg16"""
    initializer: Literal["he", "glorot", "lecun"] = "he"
    """how weights start: normal as in He et al. 2015, uniform as in Glorot & Bengio 2010, normal as in LeCun 1998"""

    def __post_init__(self):
        self.layers()

    def layers(self) -> tuple[Layer, ...]:
        """The layers; ``ValueError`` in one line where the pattern is none."""
        try:
            return parse_pattern(PATTERNS.get(self.pattern, self.pattern))
        except ValueError as error:
            raise ValueError(f"--pattern: {error}") from error

    @property
    def normalizes(self) -> bool:
        """Whether there is batch normalisation in it."""
        return any(isinstance(layer, BatchNormalization) for layer in self.layers())

    def classifier(self, classes: int, group: int) -> PatternNet:
        """The network with one output a class, which normalises ``group`` examples together.

        ``DataError`` where the last layer is told to have another number of units.
        """
        layers = self.layers()
        if layers[-1].units not in (None, classes):
            raise DataError(
                f"--pattern ends in {written(layers[-1])}, where {counted(classes, 'class')} are to be told apart: "
                "write FC without a number, which has one unit for each"
            )
        return PatternNet(layers, classes, group, INITIALIZERS[self.initializer])

    def check(self, dataset: Dataset) -> None:
        """``DataError`` names the first layer whose window does not fit what is left of the images, or the last if it
        has not a unit for each class.
        """
        self.classifier(dataset.required_classes(), 0)
        try:
            volumes(self.layers(), dataset.image_shape, classes=dataset.required_classes())
        except ValueError as error:
            raise DataError(f"--pattern on images of {dataset.name}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class ImageClassifierSettings(Settings):
    """A convolutional classifier of images."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000, evaluate_every=100)
    images: Flat[GreyImageData] = GreyImageData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3)
    normalization: Flat[Normalization] = Normalization()

    def __post_init__(self):
        super().__post_init__()
        if self.normalizes:
            self.normalization.check(batch_size=self.loop.batch_size, parts=self.parts)

    def idle(self) -> dict[str, str]:
        """Batch normalisation's fields without it."""
        fields = ("group", "statistics_decay") if not self.normalizes else ()
        return super().idle() | dict.fromkeys(fields, "without batch normalisation in the network")

    @property
    def normalizes(self) -> bool:
        """Whether the network has batch normalisation."""
        raise NotImplementedError

    @property
    def normalized_together(self) -> int:
        """The size of a group."""
        return self.normalization.group or self.loop.batch_size
