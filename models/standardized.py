"""A network that standardises its images first."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

PIXELS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "signed": ((0.5,), (0.5,)),
}
"""Mean and deviation of each channel, or of all: those of ImageNet, which the published weights of torchvision and timm
expect; and of values from −1 to 1, which torchvision's GoogLeNet expects."""


class Standardized(nn.Module):
    """``network`` of (x − mean) / deviation, channel by channel.

    Its parameters are the network's own, at their paths. For weights that were learnt of such images.
    """

    network: nn.Module
    mean: tuple[float, ...]
    """of each channel, or one of all"""
    deviation: tuple[float, ...]
    """of each channel, or one of all"""

    def setup(self):
        nn.share_scope(self, self.network)

    def __call__(self, images: Float[Array, "*batch height width channels"], **options):
        mean, deviation = (jnp.asarray(moment, images.dtype) for moment in (self.mean, self.deviation))
        return self.network((images - mean) / deviation, **options)
