"""Generators and discriminators of generative adversarial networks, for points and for images."""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.batch_norm import BatchNorm
from models.layers.activation import maxout
from models.layers.conv import flax_convolution
from models.layers.initializers import HE_NORMAL
from models.layers.minibatch import minibatch_closeness, minibatch_deviation, pack, spread
from models.layers.resize import upsample_nearest
from models.layers.transposed_conv import convolve_transposed

KERNELS, DIMS = 8, 4
"""Projections of ``minibatch_closeness``, and the numbers of each."""
CONVOLUTION = partial(nn.Conv, kernel_size=(4, 4), strides=(2, 2), padding=((1, 1), (1, 1)))
leaky_relu = partial(jax.nn.leaky_relu, negative_slope=0.2)
Minibatch = Literal["none", "deviation", "closeness"]


class DenseGenerator(nn.Module):
    """Latent → dense layers without bias, each normalised by batches and rectified → dense layer → point.

    Goodfellow et al. 2014, with the batch normalisation of Ioffe & Szegedy 2015; as in Lin et al. 2018, section 4.1.
    """

    widths: Sequence[int]
    """units of the hidden layers"""
    outputs: int
    """numbers of a point"""
    group: int
    """examples that are normalised together; 0: the whole batch"""
    kernel_init: nn.initializers.Initializer
    """how kernels begin"""

    @nn.compact
    def __call__(self, latents: Float[Array, "batch latent"], *, training: bool = False) -> Float[Array, "batch d"]:
        hidden = latents
        for width in self.widths:
            hidden = nn.Dense(width, use_bias=False, kernel_init=self.kernel_init)(hidden)
            hidden = jax.nn.relu(BatchNorm(self.group)(hidden, training=training))
        return nn.Dense(self.outputs, kernel_init=self.kernel_init)(hidden)


class ConvGenerator(nn.Module):
    """Latent → small maps → transposed convolutions 4×4 of stride 2, each doubling the maps → image in [0, 1].

    All but the last are normalised by batches and rectified. ``ValueError`` where the image's sides cannot be halved as
    often as there are widths. Radford et al. 2016, figure 1, whose last activation is a tanh of images in [−1, 1]:
    σ(2z) = (1 + tanh z)/2.
    """

    widths: Sequence[int]
    """maps before each transposed convolution, from the smallest maps on"""
    shape: tuple[int, int, int]
    """height, width and channels of the image"""
    group: int
    """examples that are normalised together; 0: the whole batch"""
    kernel_init: nn.initializers.Initializer
    """how the dense layer's kernel begins"""
    transposed_init: nn.initializers.Initializer
    """how the others begin, whose inputs stand last"""

    @nn.compact
    def __call__(
        self, latents: Float[Array, "batch latent"], *, training: bool = False
    ) -> Float[Array, "batch height width channels"]:
        height, width, channels = self.shape
        halvings = 2 ** len(self.widths)
        if height % halvings or width % halvings:
            raise ValueError(f"images of {height}×{width} cannot be halved {len(self.widths)} times")
        small = (height // halvings, width // halvings, self.widths[0])
        hidden = nn.Dense(prod(small), use_bias=False, kernel_init=self.kernel_init)(latents)
        hidden = hidden.reshape(-1, *small)
        for number, outputs in enumerate((*self.widths[1:], channels)):
            hidden = jax.nn.relu(BatchNorm(self.group)(hidden, training=training))
            kernel = self.param(f"kernel_{number}", self.transposed_init, (4, 4, outputs, hidden.shape[-1]))
            hidden = convolve_transposed(hidden, kernel, stride=2, padding=((1, 1), (1, 1)))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        return jax.nn.sigmoid(2 * (hidden + bias))


class Judgement(nn.Module):
    """Features → statistics of a group beside them, if any → one logit, the same for all examples of a pack."""

    minibatch: Minibatch
    """what is seen of the others of the group: nothing, their deviation, or how close each is to them"""
    group: int
    """packs whose statistics are taken; 0: the whole batch"""
    packing: int
    """examples of a pack"""
    kernel_init: nn.initializers.Initializer
    """how kernels begin"""

    @nn.compact
    def __call__(self, features: Float[Array, "packs features"]) -> Float[Array, " batch"]:
        group = self.group or features.shape[0]
        if self.minibatch == "deviation":
            features = jnp.concatenate([features, minibatch_deviation(features, group=group)], axis=-1)
        if self.minibatch == "closeness":
            shape = (features.shape[-1], KERNELS, DIMS)
            tensor = self.param("tensor", nn.initializers.normal(shape[0] ** -0.5 / DIMS), shape)
            features = jnp.concatenate([features, minibatch_closeness(features, tensor, group=group)], axis=-1)
        return spread(nn.Dense(1, kernel_init=self.kernel_init)(features)[:, 0], size=self.packing)


class DenseDiscriminator(nn.Module):
    """Points → packs → dense layers of maxout units, or of leaky rectifiers with one piece → logits.

    Goodfellow et al. 2014; with packs as in Lin et al. 2018, section 4.1; with what is seen of a minibatch as in
    Salimans et al. 2016 or Karras et al. 2018.
    """

    widths: Sequence[int]
    """units of the hidden layers"""
    pieces: int
    """linear pieces of a maxout unit; 1: leaky rectifiers"""
    judge: Judgement
    """the last layer, which says how many are packed"""
    kernel_init: nn.initializers.Initializer
    """how kernels begin"""

    @nn.compact
    def __call__(self, points: Float[Array, "batch d"], *, training: bool = False) -> Float[Array, " batch"]:
        hidden = pack(points, size=self.judge.packing)
        for width in self.widths:
            hidden = nn.Dense(width * self.pieces, kernel_init=self.kernel_init)(hidden)
            hidden = leaky_relu(hidden) if self.pieces == 1 else maxout(hidden, pieces=self.pieces)
        return self.judge(hidden)


class ConvDiscriminator(nn.Module):
    """Images → packs by channel → convolutions 4×4 of stride 2, leaky rectifiers → logits.

    All but the first are normalised by batches where ``normalized``. Radford et al. 2016, section 3.
    """

    widths: Sequence[int]
    """maps of each convolution"""
    normalized: bool
    """whether there is batch normalisation"""
    group: int
    """packs that are normalised together; 0: the whole batch"""
    judge: Judgement
    """the last layer, which says how many are packed"""
    kernel_init: nn.initializers.Initializer
    """how kernels begin"""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> Float[Array, " batch"]:
        hidden = pack(images, size=self.judge.packing)
        for number, width in enumerate(self.widths):
            layer = CONVOLUTION(width, kernel_init=self.kernel_init, conv_general_dilated=flax_convolution)
            hidden = layer(hidden)
            if self.normalized and number:
                hidden = BatchNorm(self.group)(hidden, training=training)
            hidden = leaky_relu(hidden)
        return self.judge(hidden.reshape(hidden.shape[0], -1))


class Upscaler(nn.Module):
    """Small image and latent → the image enlarged, the latent beside every pixel → convolutions 3×3 → image in [0, 1].

    All but the last are rectified. Without a latent the answer is one image, where many may have been. In the manner of
    Ledig et al. 2017, section 2.1, who enlarge at the end and take no latent.
    """

    widths: Sequence[int]
    """maps of the hidden convolutions"""
    factor: int
    """how many times larger each side becomes"""

    @nn.compact
    def __call__(
        self, small: Float[Array, "batch rows columns channels"], latents: Float[Array, "batch latent"]
    ) -> Float[Array, "batch height width channels"]:
        hidden = upsample_nearest(small, factor=self.factor)
        everywhere = jnp.broadcast_to(latents[:, None, None], (*hidden.shape[:3], latents.shape[-1]))
        hidden = jnp.concatenate([hidden, everywhere], axis=-1)
        layer = partial(nn.Conv, kernel_size=(3, 3), conv_general_dilated=flax_convolution)
        for width in self.widths:
            hidden = jax.nn.relu(layer(width, kernel_init=HE_NORMAL)(hidden))
        return jax.nn.sigmoid(layer(small.shape[-1])(hidden))
