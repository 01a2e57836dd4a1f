"""The convolutional layers of VGG without the classifier, whose feature maps losses compare pictures by."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from models.convnets.pattern import Convolution, Pool
from models.convnets.pattern_net import convolution, pattern_net, pool
from models.convnets.published import PATTERNS
from models.convnets.torchvision import Shapes, from_torchvision
from models.layers.initializers import HE_NORMAL

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Of each of the five blocks, by the number of layers with weights. Simonyan & Zisserman 2015, table 1."""
WIDTHS = (64, 128, 256, 512, 512)
"""Features of each block's convolutions."""
PHOTOGRAPH = (224, 224, 3)


class Step(NamedTuple):
    """A convolution and its rectifier."""

    name: str
    """block and number in it: "3_1" is the first of the third block"""
    block: int
    """from 0"""
    path: str
    """of the convolution's module, which counts rectifiers and pools too: features_10"""
    first: bool
    """whether the block begins here, after a pool unless it is the first"""


def steps(depth: int) -> Iterator[Step]:
    """The convolutions in turn."""
    place = 0
    for block, count in enumerate(CONVOLUTIONS[depth]):
        place += block > 0
        for number in range(count):
            yield Step(f"{block + 1}_{number + 1}", block, f"features_{place}", number == 0)
            place += 2


class VGGFeatures(nn.Module):
    """Image → the rectified outputs of some of VGG's convolutions, by name: 1_1, 1_2, 2_1, … 5_4.

    Nothing is computed beyond the last of them. Parameters have the paths that they have in the whole net
    (``PatternNet`` of ``published.VGG19``). Images may be of any size that the pools before the last layer leave
    something of. Simonyan & Zisserman 2015; with average pools as in Gatys et al. 2016, section 2.
    """

    layers: Sequence[str]
    """names of what is returned"""
    depth: int = 19
    """11, 13, 16 or 19"""
    widths: Sequence[int] = WIDTHS
    """features of the convolutions of each block"""
    average: bool = True
    """whether pools take means instead of maxima"""

    @nn.compact
    def __call__(self, images: Float[Array, "batch height width channels"]) -> dict[str, Array]:
        check_layers(self.layers, self.depth)
        found: dict[str, Array] = {}
        hidden = images
        for step in steps(self.depth):
            if step.first and step.block:
                hidden = pool(Pool(average=self.average), hidden)
            layer = Convolution(self.widths[step.block])
            hidden = jax.nn.relu(convolution(layer, step.path, HE_NORMAL)(hidden))
            if step.name in self.layers:
                found[step.name] = hidden
            if len(found) == len(set(self.layers)):
                break
        return found


def check_layers(layers: Sequence[str], depth: int) -> None:
    """``ValueError`` where a VGG of this depth has not all of these layers."""
    if missing := [name for name in layers if name not in {step.name for step in steps(depth)}]:
        raise ValueError(f"VGG{depth} has no layer {', '.join(missing)}")


def least_side(layers: Sequence[str]) -> int:
    """Pixels that a side must have for every layer to have an output: 16 for the fifth block."""
    return 2 ** (max(int(name.partition("_")[0]) for name in layers) - 1)


def features_from_torchvision(depth: int, shapes: Shapes, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters of these ``shapes`` by path, from a state dict of torchvision's VGG of that depth, or of its first
    layers.

    What else the file holds is not looked at. ``ValueError`` names what is missing or of another shape.
    """
    names = {step.path.replace("_", ".") for step in steps(depth)}
    wanted = {path.split("/")[1].replace("_", ".") for path in shapes}
    given = {name: leaf for name, leaf in weights.items() if name.rpartition(".")[0] in names & wanted}
    return from_torchvision(pattern_net(PATTERNS[f"vgg{depth}"], classes=1000), shapes, given, PHOTOGRAPH)
