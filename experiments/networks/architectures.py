"""The architectures of the lectures' case studies by settings, at full size and as small as the digits."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from experiments.datasets import DataError, Dataset
from experiments.networks.convolutional import PatternNetwork
from experiments.run.settings import Count
from models.convnets.inception import Branches, InceptionNet, Part, googlenet, googlenet_torchvision
from models.convnets.pattern import Convolution, Pool
from models.convnets.resnet import cifar_resnet, resnet

SLIM_INCEPTION: tuple[tuple[str, Part], ...] = (
    ("conv1", Convolution(16)),
    ("inception2a", Branches(8, 8, 16, 4, 8, 8)),
    ("maxpool2", Pool()),
    ("inception3a", Branches(16, 16, 32, 8, 16, 16)),
)
"""Two Inception modules, for images of 8×8."""

_READ_BY = {
    "pattern": ("pattern",),
    "initializer": ("pattern",),
    "depth": ("resnet", "cifar_resnet"),
    "shortcut": ("cifar_resnet",),
    "stride_in": ("resnet",),
    "auxiliary": ("googlenet", "googlenet_torchvision"),
}
"""Fields, and the architectures that they belong to."""


@dataclass(frozen=True, kw_only=True)
class Architecture(PatternNetwork):
    """Which architecture."""

    architecture: Literal["pattern", "resnet", "cifar_resnet", "inception", "googlenet", "googlenet_torchvision"] = (
        "cifar_resnet"
    )
    """pattern: the layers of --pattern, as AlexNet's, ZFNet's and VGG's; resnet: for photographs; cifar_resnet: for
    small images, three stages; inception: two modules, for the digits; googlenet: the paper's, or torchvision's"""
    depth: Count = 8
    """layers with weights: 18, 34, 50, 101 or 152 of resnet, 6n + 2 of cifar_resnet"""
    shortcut: Literal["zeros", "projection"] = "zeros"
    """what is added where a block of cifar_resnet changes the volume: the paper's option A or B"""
    stride_in: Literal["3x3", "1x1"] = "3x3"
    """the convolution of a bottleneck that halves the image: torchvision's, or the paper's"""
    auxiliary: bool = False
    """whether GoogLeNet has its two auxiliary classifiers in training, 0.3 of whose losses are added"""

    def __post_init__(self):
        super().__post_init__()
        if self.architecture != "pattern":
            self.classifier(2, 0)

    def idle(self) -> dict[str, str]:
        """Fields of other architectures."""
        reason = f"with --architecture {self.architecture}"
        return {field: reason for field, readers in _READ_BY.items() if self.architecture not in readers}

    @property
    def normalizes(self) -> bool:
        """Whether the network has batch normalisation."""
        return super().normalizes if self.architecture == "pattern" else self.architecture != "googlenet"

    def classifier(self, classes: int, group: int) -> nn.Module:
        """The network with one output a class; ``ValueError`` in one line where it has no such depth."""
        match self.architecture:
            case "pattern":
                return super().classifier(classes, group)
            case "resnet":
                return resnet(self.depth, classes, stride_in_first=self.stride_in == "1x1", group=group)
            case "cifar_resnet":
                return cifar_resnet(self.depth, classes, shortcut=self.shortcut, group=group)
            case "inception":
                return InceptionNet(classes, SLIM_INCEPTION, group=group)
            case "googlenet":
                return googlenet(classes, auxiliary=self.auxiliary, group=group)
            case "googlenet_torchvision":
                return googlenet_torchvision(classes, auxiliary=self.auxiliary, group=group)

    def check(self, dataset: Dataset) -> None:
        """``DataError`` where the images are too small."""
        if self.architecture == "pattern":
            return super().check(dataset)
        images = jax.ShapeDtypeStruct((1, *dataset.image_shape), jnp.float32)
        try:
            jax.eval_shape(self.classifier(dataset.required_classes(), 0).init, jax.random.key(0), images)
        except ValueError as error:
            raise DataError(f"--architecture {self.architecture} on images of {dataset.name}: {error}") from error
