"""Residual networks: blocks of convolutions, to whose result their input is added."""

from collections.abc import Callable, Sequence

from flax import linen as nn
from jaxtyping import Array, Float

from models.batch_norm import BatchNorm
from models.convnets.pattern import Convolution, Pool
from models.convnets.pattern_net import convolution, pool
from models.feature_maps import show
from models.layers.initializers import HE_NORMAL
from models.layers.pool import global_average_pool
from models.layers.residual import identity_shortcut, residual_sum

BLOCKS: dict[str, Callable[[int, int], tuple[Convolution, ...]]] = {
    "basic": lambda k, s: (_plain(k, 3, s), _plain(k, 3)),
    "bottleneck": lambda k, s: (_plain(k, 1), _plain(k, 3, s), _plain(4 * k, 1)),
    "bottleneck_paper": lambda k, s: (_plain(k, 1, s), _plain(k, 3), _plain(4 * k, 1)),
}
"""The convolutions of a block of k features and stride s. He et al. 2016, figure 5; the bottleneck's stride stands in
its first 1×1 there, and in its 3×3 in torchvision (Goyal et al. 2017, "ResNet-50 v1.5"), at equal parameters."""

STAGES = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
"""Block, and blocks of each stage, by depth. He et al. 2016, table 1."""


class ResidualBlock(nn.Module):
    """relu(F(x) + shortcut(x)), F of convolutions with batch normalisation, and ReLU between them.

    The shortcut is the identity. Where F changes the volume it is ``projection``, a 1×1 convolution with batch
    normalisation (the paper's option B), or ``zeros``, the identity with zeros for new channels (option A). Shows its
    output. He et al. 2016, equations 1 and 2. Lecture 003, section 3.5.
    """

    convolutions: Sequence[Convolution]
    shortcut: str
    group: int

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch rows columns features"]:
        hidden = features
        for number, layer in enumerate(self.convolutions, 1):
            hidden = convolution(layer, f"conv{number}", HE_NORMAL)(hidden)
            hidden = BatchNorm(self.group, name=f"bn{number}")(hidden, training=training)
            hidden = nn.relu(hidden) if number < len(self.convolutions) else hidden
        return show(self, nn.relu(residual_sum(self._shortcut(features, hidden.shape, training), hidden)))

    def _shortcut(self, features: Array, shape: tuple[int, ...], training: bool) -> Array:
        if features.shape == shape:
            return features
        channels, stride = shape[-1], max(layer.stride for layer in self.convolutions)
        if self.shortcut == "zeros":
            return identity_shortcut(features, features=channels, stride=stride)
        projected = convolution(_plain(channels, 1, stride), "downsample_0", HE_NORMAL)(features)
        return BatchNorm(self.group, name="downsample_1")(projected, training=training)


class ResNet(nn.Module):
    """Image → first convolution → stages of residual blocks → mean over space → linear classifier.

    Stages after the first halve the image in their first block. Names are torchvision's, with _ before numbers.
    He et al. 2016.
    """

    classes: int
    """outputs"""
    blocks: Sequence[int]
    """residual blocks of each stage"""
    block: str = "basic"
    """key of ``BLOCKS``"""
    widths: Sequence[int] = (64, 128, 256, 512)
    """features of each stage's blocks; a bottleneck ends in four times as many"""
    stem: Sequence[Convolution | Pool] = (Convolution(64, 7, stride=2, bias=False), Pool(3, stride=2, padding=1))
    """first convolution, and what pools it"""
    shortcut: str = "projection"
    """projection or zeros"""
    group: int = 0
    """examples that are normalised together in training; 0: the whole batch"""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> Float[Array, "batch classes"]:
        first, *pools = self.stem
        hidden = convolution(first, "conv1", HE_NORMAL)(images)
        hidden = show(self, nn.relu(BatchNorm(self.group, name="bn1")(hidden, training=training)), "stem")
        for layer in pools:
            hidden = show(self, pool(layer, hidden), "pool")
        for stage, (width, count) in enumerate(zip(self.widths, self.blocks, strict=True), 1):
            for number in range(count):
                layers = BLOCKS[self.block](width, 2 if stage > 1 and number == 0 else 1)
                residual = ResidualBlock(layers, self.shortcut, self.group, name=f"layer{stage}_{number}")
                hidden = residual(hidden, training=training)
        return nn.Dense(self.classes, name="fc")(global_average_pool(hidden))


def resnet(depth: int, classes: int, *, stride_in_first: bool = False, group: int = 0) -> ResNet:
    """ResNet-18, -34, -50, -101 or -152 for images of 224×224.

    ``stride_in_first`` puts the stride of bottlenecks where the paper has it. ``ValueError`` for other depths. He et
    al. 2016, table 1.
    """
    if depth not in STAGES:
        raise ValueError(f"there are ResNets of depth {', '.join(map(str, STAGES))}, not {depth}")
    block, blocks = STAGES[depth]
    return ResNet(classes, blocks, block + "_paper" * (stride_in_first and block == "bottleneck"), group=group)


def cifar_resnet(depth: int, classes: int = 10, *, shortcut: str = "zeros", group: int = 0) -> ResNet:
    """ResNet-20, -32, -44, -56, -110, or any of depth 6n + 2, for images of 32×32: three stages of n basic blocks.

    ResNet-20 has 269,722 parameters, and 272,474 with ``projection``. ``ValueError`` for other depths. He et al. 2016,
    section 4.2, with option A.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"the depth must be 6n + 2 with n blocks a stage, as 20, 32, 44, 56 or 110, got {depth}")
    return ResNet(classes, (depth // 6,) * 3, "basic", (16, 32, 64), (_plain(16, 3),), shortcut, group)


def _plain(features: int, window: int, stride: int = 1) -> Convolution:
    return Convolution(features, window, stride, bias=False)
