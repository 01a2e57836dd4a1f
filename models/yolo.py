"""YOLOv3: the trunk Darknet-53, and a pyramid of three maps that each say of their cells what lies there."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from models.batch_norm import BatchNorm
from models.convnets.pattern import Convolution
from models.convnets.pattern_net import convolution
from models.feature_maps import show
from models.layers.conv import flax_convolution
from models.layers.initializers import HE_NORMAL, gaussian
from models.layers.resize import upsample_nearest

LEAK = 0.1
SCALES = 3
ANCHORS = 3


class ConvolutionUnit(nn.Module):
    """Convolution without bias → batch normalisation → leaky ReLU, of slope 0.1 below 0.

    Redmon & Farhadi 2018, section 2.4.
    """

    features: int
    window: int
    stride: int = 1
    group: int = 0

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch rows columns features"]:
        layer = Convolution(self.features, self.window, self.stride, bias=False)
        hidden = BatchNorm(self.group, name="bn")(convolution(layer, "conv", HE_NORMAL)(features), training=training)
        return nn.leaky_relu(hidden, LEAK)


class YOLOv3(nn.Module):
    """Image → trunk → from its last three maps, the coarsest first: [rows, columns, anchors, 5 + classes].

    The trunk is a convolution of ``widths[0]`` features, then stages: a convolution of stride 2, and residual blocks
    x + conv3×3(conv1×1(x)) that halve the features between. A head of several convolutions reads the last map and
    speaks; half of its features, upsampled, stand before those of the map one stage earlier, which the next head reads.
    The numbers of a slot are t_x, t_y, t_w, t_h, its objectness and its classes, all before a sigmoid.

    The published one has Darknet-53 as its trunk, 61,949,149 trained parameters at 80 classes, and strides of 32, 16
    and 8. Redmon & Farhadi 2018, table 1 and section 2.3. Lecture 003, "YOLOv3".
    """

    classes: int
    widths: Sequence[int] = (32, 64, 128, 256, 512, 1024)
    """features of the first convolution and of each stage"""
    blocks: Sequence[int] = (1, 2, 8, 8, 4)
    """residual blocks of each stage"""
    group: int = 0
    """examples that are normalised together in training; 0: the whole batch"""
    head: int = 5
    """convolutions of each head before its last two, an odd number"""
    prior: float = 0.5
    """objectness of every slot at the start; a small one spares training its first steps (Lin et al. 2017)"""

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels to a cell of each map, the coarsest first."""
        return tuple(2 ** (len(self.blocks) - scale) for scale in range(SCALES))

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> tuple[Float[Array, "batch rows columns anchors numbers"], ...]:
        def unit(name: str, features: int, window: int, hidden: Array, stride: int = 1) -> Array:
            return ConvolutionUnit(features, window, stride, self.group, name=name)(hidden, training=training)

        hidden, maps = unit("stem", self.widths[0], 3, images), []
        for stage, (width, count) in enumerate(zip(self.widths[1:], self.blocks, strict=True), 1):
            hidden = unit(f"stage{stage}_down", width, 3, hidden, 2)
            for block in range(1, count + 1):
                narrow = unit(f"stage{stage}_block{block}_narrow", width // 2, 1, hidden)
                hidden = hidden + unit(f"stage{stage}_block{block}_wide", width, 3, narrow)
            maps.append(show(self, hidden, f"stage{stage}"))
        outputs = []
        for scale, (width, lateral) in enumerate(zip(self.widths[:-4:-1], maps[:-4:-1], strict=True), 1):
            if scale > 1:
                passed = unit(f"scale{scale}_lateral", width // 2, 1, hidden)
                hidden = jnp.concatenate([upsample_nearest(passed), lateral], axis=-1)
            for number in range(1, self.head + 1):
                narrow = number % 2 == 1
                hidden = unit(f"scale{scale}_conv{number}", width // (1 + narrow), 1 if narrow else 3, hidden)
            wide = unit(f"scale{scale}_conv{self.head + 1}", width, 3, hidden)
            numbers = ANCHORS * (5 + self.classes)
            said = nn.Conv(
                numbers,
                (1, 1),
                kernel_init=gaussian(0.01),
                bias_init=objectness_bias(self.prior, ANCHORS),
                conv_general_dilated=flax_convolution,
                name=f"scale{scale}_output",
            )(wide)
            outputs.append(said.reshape(*said.shape[:-1], ANCHORS, -1))
        return tuple(outputs)

    def layer_names(self) -> Iterator[str]:
        """Its convolutions in the order in which Darknet's configuration file has them."""
        yield "stem"
        for stage, count in enumerate(self.blocks, 1):
            yield f"stage{stage}_down"
            for block in range(1, count + 1):
                yield from (f"stage{stage}_block{block}_narrow", f"stage{stage}_block{block}_wide")
        for scale in range(1, SCALES + 1):
            if scale > 1:
                yield f"scale{scale}_lateral"
            yield from (f"scale{scale}_conv{number}" for number in range(1, self.head + 2))
            yield f"scale{scale}_output"


def objectness_bias(prior: float, anchors: int) -> nn.initializers.Initializer:
    """An initialiser of a detector's last bias: zeros, but for the objectness of each anchor the logit of the prior.

    Lin et al. 2017 (focal loss), section 4.1.
    """

    def bias(key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
        numbers = jnp.zeros((anchors, shape[0] // anchors), dtype)
        return numbers.at[:, 4].set(math.log(prior / (1 - prior))).reshape(shape)

    return bias
