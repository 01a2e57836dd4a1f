"""A network that standardises its images first."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float


class Standardized(nn.Module):
    """``network`` of (x − mean) / deviation, channel by channel.

    Its parameters are the network's own, at their paths. For weights that were learnt of such images.
    """

    network: nn.Module
    mean: tuple[float, ...]
    """of each channel"""
    deviation: tuple[float, ...]
    """of each channel"""

    def setup(self):
        nn.share_scope(self, self.network)

    def __call__(self, images: Float[Array, "*batch height width channels"], **options):
        mean, deviation = (jnp.asarray(moment, images.dtype) for moment in (self.mean, self.deviation))
        return self.network((images - mean) / deviation, **options)
