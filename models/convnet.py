"""A small convolutional classifier with batch normalisation."""

from collections.abc import Sequence

from flax import linen as nn
from jaxtyping import Array, Float

from models.batch_norm import BatchNorm
from models.layers.conv import flax_convolution


class ConvNet(nn.Module):
    """Image → [3×3 convolution of stride 2 → batch normalisation → ReLU] for each entry of ``channels`` → mean over
    space → linear classifier.

    LeCun et al. 1998 for the pattern; Ioffe & Szegedy 2015. Lectures 000 and 003.
    """

    classes: int
    """outputs"""
    channels: Sequence[int]
    """features of the convolutions"""
    group: int
    """examples that are normalised together in training"""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> Float[Array, "batch classes"]:
        hidden = images
        for features in self.channels:
            convolution = nn.Conv(
                features,
                (3, 3),
                strides=(2, 2),
                use_bias=False,
                kernel_init=nn.initializers.he_normal(),
                conv_general_dilated=flax_convolution,
            )
            hidden = nn.relu(BatchNorm(self.group)(convolution(hidden), training=training))
        return nn.Dense(self.classes)(hidden.mean(axis=(1, 2)))
