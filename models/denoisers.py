"""Networks that say of a noisy example what is noise: dense layers for points, a U-Net for images.

Ho et al. 2020, appendix B; Ronneberger et al. 2015. Lecture 003, section 4.4: "a conditional U-net works well".
"""

from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from models.dropout import Dropout
from models.layers.attention import sinusoidal_positions
from models.layers.conv import flax_convolution
from models.layers.normalize import layer_normalize
from models.layers.resize import upsample_nearest
from models.layers.signal_ratios import noise_angle
from models.transformer import SelfAttention, Shape

TURN = 1000.0
"""By which the angle of a ratio is multiplied: it then has the range of Ho et al.'s steps."""
GROUPS, CHANNELS_OF_GROUP = 8, 4
"""Groups of channels that are normalised together at most, and channels in each at least."""


class Condition(nn.Module):
    """What a denoiser is told beside the noisy example, as ``width`` numbers: its signal ratio, and a label.

    Two dense layers of sines and cosines of the ratio's angle, to which a vector of the label is added; label
    ``classes`` stands for none. Ho et al. 2020, appendix B; Ho & Salimans 2022.
    """

    width: int
    classes: int = 0

    @nn.compact
    def __call__(
        self, ratios: Float[Array, " batch"], labels: Int[Array, " batch"] | None
    ) -> Float[Array, "batch width"]:
        encoded = sinusoidal_positions(TURN * noise_angle(ratios), size=self.width).astype(ratios.dtype)
        hidden = nn.silu(nn.Dense(self.width)(encoded))
        told = nn.Dense(self.width)(hidden)
        if labels is None:
            return told
        return told + nn.Embed(self.classes + 1, self.width, name="label")(labels)


class PointDenoiser(nn.Module):
    """Points → what is predicted of them, by residual dense layers that add the condition."""

    widths: Sequence[int]
    classes: int = 0

    @nn.compact
    def __call__(
        self,
        noisy: Float[Array, "batch dimensions"],
        ratios: Float[Array, " batch"],
        labels: Int[Array, " batch"] | None = None,
    ) -> Float[Array, "batch dimensions"]:
        told = nn.silu(Condition(self.widths[0], self.classes)(ratios, labels))
        hidden = nn.Dense(self.widths[0])(noisy)
        for width in self.widths:
            hidden = nn.silu(nn.Dense(width)(hidden) + nn.Dense(width)(told))
        return nn.Dense(noisy.shape[-1], kernel_init=nn.initializers.zeros)(hidden)


class GroupNorm(nn.Module):
    """Group normalisation of an image's channels. Wu & He 2018."""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width channels"]:
        channels = images.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
        groups = max(1, min(GROUPS, channels // CHANNELS_OF_GROUP))
        return layer_normalize(images, scale.astype(images.dtype), bias.astype(images.dtype), axes=3, groups=groups)


def _conv(channels: int, *, size: int = 3, stride: int = 1, **options) -> nn.Conv:
    return nn.Conv(channels, (size, size), stride, conv_general_dilated=flax_convolution, **options)


class ResidualBlock(nn.Module):
    """Two convolutions around which the input is added; the condition is added between them.

        h = conv(silu(norm(x))) + W silu(told),   x' = P x + conv(silu(norm(h)))

    P is a 1×1 convolution where the number of channels changes; the last convolution begins at 0. Ho et al. 2020,
    appendix B.
    """

    channels: int
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], told: Float[Array, "batch condition"]
    ) -> Float[Array, "batch height width features"]:
        hidden = _conv(self.channels)(nn.silu(GroupNorm()(images)))
        hidden += nn.Dense(self.channels)(nn.silu(told))[:, None, None]
        hidden = Dropout(self.dropout)(nn.silu(GroupNorm()(hidden)))
        hidden = _conv(self.channels, kernel_init=nn.initializers.zeros)(hidden)
        return hidden + (images if images.shape[-1] == self.channels else _conv(self.channels, size=1)(images))


class PixelAttention(nn.Module):
    """Every pixel attends to every other, and what it finds is added. Ho et al. 2020, appendix B."""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width channels"]:
        batch, height, width, channels = images.shape
        tokens = GroupNorm()(images).reshape(batch, height * width, channels)
        found = SelfAttention(Shape(depth=1, heads=1, width=channels, hidden=0))(tokens, None)
        return images + found.reshape(images.shape)


class UNetDenoiser(nn.Module):
    """Images → what is predicted of them, seen at halved and halved again resolutions.

    A level is ``blocks`` residual blocks down and one more up, each of which is given what the way down had at its
    place; between levels images are halved by a convolution of stride 2, and doubled by nearest neighbours and a
    convolution. At the lowest level pixels attend to each other. The output begins at 0.
    """

    channels: Sequence[int]
    """of each level, from the full resolution down"""
    blocks: int = 1
    classes: int = 0
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self,
        noisy: Float[Array, "batch height width channels"],
        ratios: Float[Array, " batch"],
        labels: Int[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height width channels"]:
        told = Condition(4 * self.channels[0], self.classes)(ratios, labels)
        hidden, kept = self._down(_conv(self.channels[0])(noisy), told)
        lowest = self.channels[-1]
        hidden = PixelAttention()(self._block(lowest, hidden, told))
        hidden = self._up(self._block(lowest, hidden, told), kept, told)
        return _conv(noisy.shape[-1], kernel_init=nn.initializers.zeros)(nn.silu(GroupNorm()(hidden)))

    def _down(self, hidden: Array, told: Array) -> tuple[Array, list[Array]]:
        kept = [hidden]
        for level, channels in enumerate(self.channels):
            if level:
                hidden = _conv(channels, stride=2)(hidden)
                kept.append(hidden)
            for _ in range(self.blocks):
                hidden = self._block(channels, hidden, told)
                kept.append(hidden)
        return hidden, kept

    def _up(self, hidden: Array, kept: list[Array], told: Array) -> Array:
        for level, channels in reversed(list(enumerate(self.channels))):
            for _ in range(self.blocks + 1):
                hidden = self._block(channels, jnp.concatenate([hidden, kept.pop()], axis=-1), told)
            if level:
                hidden = _conv(channels)(upsample_nearest(hidden))
        return hidden

    def _block(self, channels: int, hidden: Array, told: Array) -> Array:
        return ResidualBlock(channels, self.dropout)(hidden, told)
