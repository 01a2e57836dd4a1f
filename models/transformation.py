"""A network that repaints an image in one pass, whatever its size."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.layers.conv import flax_convolution
from models.layers.initializers import HE_NORMAL
from models.layers.normalize import layer_normalize
from models.layers.residual import residual_sum
from models.layers.resize import upsample_nearest

OUTER = 9
"""Window of the first convolution and of the last."""


class InstanceNorm(nn.Module):
    """Each channel of each image by its own moments, in training and afterwards alike; then γ and β of the channel.

    So the contrast of an image is no part of what is repainted. Ulyanov et al. 2016.
    """

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width channels"]:
        channels = images.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
        return layer_normalize(images, scale.astype(images.dtype), bias.astype(images.dtype), axes=3, groups=channels)


class ReflectedConv(nn.Module):
    """A convolution of which the image is continued by its reflection: sides become ⌈size / stride⌉."""

    features: int
    window: int = 3
    stride: int = 1

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch rows columns features"]:
        margin = self.window // 2
        framed = jnp.pad(images, [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="reflect")
        return nn.Conv(
            self.features,
            (self.window, self.window),
            (self.stride, self.stride),
            padding="VALID",
            kernel_init=HE_NORMAL,
            conv_general_dilated=flax_convolution,
        )(framed)


class TransformationNet(nn.Module):
    """Image in [0, 1] → convolutions that halve it → residual blocks → convolutions that double it → image in [0, 1].

    All but the last convolution are normalised, and rectified but at the end of a block. Any height and width: what a
    power of two lacks is reflected at the lower and right edge, and cut off at the end. Johnson et al. 2016, section
    3.1 and supplementary material, table 1, with instance normalisation (Ulyanov et al. 2016); doubled by repeating
    pixels before a convolution instead of a transposed one (Odena et al. 2016), and reflected at every edge.
    """

    widths: Sequence[int] = (32, 64, 128)
    """features of the first convolution, and of each of those that halve"""
    blocks: int = 5
    """residual blocks"""
    normalized: bool = True
    """whether there is instance normalisation"""

    @nn.compact
    def __call__(self, images: Float[Array, "batch height width 3"]) -> Float[Array, "batch height width 3"]:
        height, width = images.shape[1:3]
        halvings = 2 ** (len(self.widths) - 1)
        hidden = jnp.pad(images, [(0, 0), (0, -height % halvings), (0, -width % halvings), (0, 0)], mode="reflect")
        hidden = self._layer(2 * hidden - 1, self.widths[0], OUTER)
        for features in self.widths[1:]:
            hidden = self._layer(hidden, features, stride=2)
        for _ in range(self.blocks):
            inside = self._layer(hidden, self.widths[-1])
            hidden = residual_sum(hidden, self._normalize(ReflectedConv(self.widths[-1])(inside)))
        for features in reversed(self.widths[:-1]):
            hidden = self._layer(upsample_nearest(hidden), features)
        return jax.nn.sigmoid(ReflectedConv(3, OUTER)(hidden))[:, :height, :width]

    def _layer(self, images: Array, features: int, window: int = 3, stride: int = 1) -> Array:
        return jax.nn.relu(self._normalize(ReflectedConv(features, window, stride)(images)))

    def _normalize(self, images: Array) -> Array:
        return InstanceNorm()(images) if self.normalized else images
