"""The Inception module, and nets of it: GoogLeNet."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.batch_norm import BatchNorm
from models.convnets.pattern import Convolution, Pool
from models.convnets.pattern_net import convolution, pool
from models.dropout import Dropout
from models.feature_maps import show
from models.layers.initializers import HE_NORMAL
from models.layers.local_response import local_response_normalization
from models.layers.pool import global_average_pool


class Branches(NamedTuple):
    """Features of an Inception module's convolutions. Szegedy et al. 2015, table 1, whose columns these are."""

    ones: int
    reduce_threes: int
    threes: int
    reduce_fives: int
    fives: int
    pooled: int


class ConvolutionUnit(nn.Module):
    """Convolution → batch normalisation, or a bias without it → ReLU. Shows its output. Szegedy et al. 2015."""

    layer: Convolution
    normalized: bool
    group: int

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch rows columns features"]:
        layer = replace(self.layer, bias=not self.normalized)
        hidden = convolution(layer, "conv", HE_NORMAL)(features)
        if self.normalized:
            hidden = BatchNorm(self.group, epsilon=1e-3, name="bn")(hidden, training=training)
        return show(self, nn.relu(hidden))


class Inception(nn.Module):
    """Four branches side by side, their channels concatenated: 1×1; 1×1 → 3×3; 1×1 → 5×5; 3×3 maximum → 1×1.

    The 1×1 before a larger window makes it cheap. ``fives`` is the window of the third branch: 5, or 3 in torchvision.
    Shows its output. Szegedy et al. 2015, figure 2b. Lecture 000, "Case studies".
    """

    branches: Branches
    fives: int
    normalized: bool
    group: int

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch height width features"]:
        def unit(name: str, channels: int, window: int, inputs: Array) -> Array:
            layer = Convolution(channels, window)
            return ConvolutionUnit(layer, self.normalized, self.group, name=name)(inputs, training=training)

        sizes = self.branches
        pooled = pool(Pool(3, stride=1, padding=1), features)
        parts = (
            unit("branch1", sizes.ones, 1, features),
            unit("branch2_1", sizes.threes, 3, unit("branch2_0", sizes.reduce_threes, 1, features)),
            unit("branch3_1", sizes.fives, self.fives, unit("branch3_0", sizes.reduce_fives, 1, features)),
            unit("branch4_1", sizes.pooled, 1, pooled),
        )
        return show(self, jnp.concatenate(parts, axis=-1))


class AuxiliaryClassifier(nn.Module):
    """A classifier on features of the middle: 5×5 means of stride 3 → 1×1 convolution → dense → dropout → dense.

    Szegedy et al. 2015, section 5.
    """

    classes: int
    normalized: bool
    group: int

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch classes"]:
        means = pool(Pool(5, stride=3, average=True), features)
        unit = ConvolutionUnit(Convolution(128, 1), self.normalized, self.group, name="conv")
        hidden = unit(means, training=training)
        hidden = nn.relu(nn.Dense(1024, name="fc1")(hidden.reshape(hidden.shape[0], -1)))
        return show(self, nn.Dense(self.classes, name="fc2")(Dropout(0.7)(hidden)))


Part = Convolution | Pool | Branches


class InceptionNet(nn.Module):
    """Image → parts in turn, by name: convolutions, pools and Inception modules → mean over space → linear classifier.

    Parts named in ``auxiliary`` are followed by an auxiliary classifier in training: their logits are shown as aux1,
    aux2, …; the paper adds 0.3 of each one's loss. Names are torchvision's, with _ before numbers. Szegedy et al. 2015.
    """

    classes: int
    """outputs"""
    parts: Sequence[tuple[str, Part]]
    """the layers by name"""
    fives: int = 5
    """window of the modules' third branch"""
    normalized: bool = True
    """batch normalisation instead of biases"""
    responses_after: Sequence[str] = ()
    """parts after which local responses are normalised"""
    dropout: float = 0.4
    """share of the classifier's input that is dropped in training"""
    auxiliary: Sequence[str] = ()
    """parts that are followed by an auxiliary classifier"""
    group: int = 0
    """examples that are normalised together in training; 0: the whole batch"""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> Float[Array, "batch classes"]:
        hidden = images
        for name, part in self.parts:
            hidden = self._apply(name, part, hidden, training)
            if name in self.responses_after:
                hidden = local_response_normalization(hidden)
            if name in self.auxiliary and (training or self.is_initializing()):
                number = 1 + list(self.auxiliary).index(name)
                head = AuxiliaryClassifier(self.classes, self.normalized, self.group, name=f"aux{number}")
                head(hidden, training=training)
        return nn.Dense(self.classes, name="fc")(Dropout(self.dropout)(global_average_pool(hidden)))

    def _apply(self, name: str, part: Part, hidden: Array, training: bool) -> Array:
        match part:
            case Pool():
                return show(self, pool(part, hidden), name)
            case Convolution():
                return ConvolutionUnit(part, self.normalized, self.group, name=name)(hidden, training=training)
            case Branches():
                inception = Inception(part, self.fives, self.normalized, self.group, name=name)
                return inception(hidden, training=training)


_HALF = Pool(3, stride=2, ceil=True)
GOOGLENET: tuple[tuple[str, Part], ...] = (
    ("conv1", Convolution(64, 7, stride=2)),
    ("maxpool1", _HALF),
    ("conv2", Convolution(64, 1)),
    ("conv3", Convolution(192)),
    ("maxpool2", _HALF),
    ("inception3a", Branches(64, 96, 128, 16, 32, 32)),
    ("inception3b", Branches(128, 128, 192, 32, 96, 64)),
    ("maxpool3", _HALF),
    ("inception4a", Branches(192, 96, 208, 16, 48, 64)),
    ("inception4b", Branches(160, 112, 224, 24, 64, 64)),
    ("inception4c", Branches(128, 128, 256, 24, 64, 64)),
    ("inception4d", Branches(112, 144, 288, 32, 64, 64)),
    ("inception4e", Branches(256, 160, 320, 32, 128, 128)),
    ("maxpool4", _HALF),
    ("inception5a", Branches(256, 160, 320, 32, 128, 128)),
    ("inception5b", Branches(384, 192, 384, 48, 128, 128)),
)
"""Szegedy et al. 2015, table 1."""


def googlenet(classes: int, *, auxiliary: bool = False, group: int = 0) -> InceptionNet:
    """GoogLeNet as published, for images of 224×224: 5×5 windows, biases, local responses normalised.

    6,998,552 parameters at 1,000 classes, 13,378,280 with its two auxiliary classifiers (a lecture says 4 million).
    Szegedy et al. 2015, table 1; where local responses are normalised as in the model that comes with Caffe.
    """
    heads = ("inception4a", "inception4d") if auxiliary else ()
    responses = ("maxpool1", "conv3")
    return InceptionNet(
        classes, GOOGLENET, 5, normalized=False, responses_after=responses, auxiliary=heads, group=group
    )


def googlenet_torchvision(classes: int, *, auxiliary: bool = False, group: int = 0) -> InceptionNet:
    """GoogLeNet as torchvision has it: 3×3 in place of 5×5, batch normalisation (ε = 10⁻³), a last pool of 2×2.

    6,624,904 parameters at 1,000 classes, 13,004,888 with its auxiliary classifiers, in which it pools by 4×4 where
    this net keeps to the 5×5 of the paper. After Szegedy et al. 2015.
    """
    parts = [(name, Pool(2, ceil=True) if name == "maxpool4" else part) for name, part in GOOGLENET]
    heads = ("inception4a", "inception4d") if auxiliary else ()
    return InceptionNet(classes, tuple(parts), 3, dropout=0.2, auxiliary=heads, group=group)
