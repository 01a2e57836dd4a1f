"""The autoencoder: an encoder from images to codes, and a decoder from codes to what parameterises images.

What kind it is, its parts say: the head of the encoder (a code here, a distribution in ``models/vae.py``, a vector of
a codebook in ``models/vqvae.py``), the corruption of its input (``models/layers/corruption.py``), the penalty on its
code (``losses/sparsity.py``) and the likelihood of its output (``losses/likelihoods.py``). Rumelhart et al. 1986;
Hinton & Salakhutdinov 2006. Lectures: 000 and 001, "Autoencoders"; 002, part 5.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.layers.conv import flax_convolution
from models.layers.initializers import GLOROT_UNIFORM
from models.layers.resize import upsample_nearest
from models.layers.top_k import keep_largest
from models.mlp import ACTIVATIONS, MLP


class CodeHead(nn.Module):
    """A linear map of the features and its activation; with ``keep``, all but so many of the largest become 0."""

    latent: int
    activation: str = "linear"
    keep: int = 0

    @nn.compact
    def __call__(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch latent"]:
        linear = nn.Dense(self.latent, kernel_init=GLOROT_UNIFORM, name="linear")(features)
        code = ACTIVATIONS[self.activation](linear)
        return (
            jnp.vectorize(lambda one: keep_largest(one, k=self.keep), signature="(k)->(k)")(code) if self.keep else code
        )


class MLPEncoder(nn.Module):
    """Image → dense layers → head, which is a linear map where there are no layers."""

    head: nn.Module
    widths: Sequence[int]
    activation: str = "relu"

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> Any:
        features = MLP(self.widths, self.activation)(images.reshape(*images.shape[:-3], -1))
        return self.head(features)


class MLPDecoder(nn.Module):
    """Latent → dense layers → ``outputs`` numbers for every value of the image."""

    image_shape: tuple[int, int, int]
    outputs: int
    widths: Sequence[int]
    activation: str = "relu"

    @nn.compact
    def __call__(self, latents: Float[Array, "*batch latent"]) -> Float[Array, "*batch height width channels outputs"]:
        shape = (*self.image_shape, self.outputs)
        features = MLP(self.widths, self.activation)(latents)
        size = self.image_shape[0] * self.image_shape[1] * self.image_shape[2] * self.outputs
        flat = nn.Dense(size, kernel_init=GLOROT_UNIFORM)(features)
        return flat.reshape(*latents.shape[:-1], *shape)


class ConvEncoder(nn.Module):
    """Image → 3×3 convolutions of stride 2 → dense layer → head."""

    head: nn.Module
    channels: Sequence[int]
    width: int = 128

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> Any:
        hidden = images
        for channels in self.channels:
            hidden = nn.relu(nn.Conv(channels, (3, 3), 2, conv_general_dilated=flax_convolution)(hidden))
        return self.head(MLP([self.width])(hidden.reshape(*images.shape[:-3], -1)))


class ConvDecoder(nn.Module):
    """The encoder backwards: dense layers, then doublings of the resolution, each followed by a 3×3 convolution."""

    image_shape: tuple[int, int, int]
    outputs: int
    channels: Sequence[int]  # in the encoder's order
    width: int = 128

    @nn.compact
    def __call__(self, latents: Float[Array, "*batch latent"]) -> Float[Array, "*batch height width channels outputs"]:
        height, width, channels = self.image_shape
        scale = 2 ** len(self.channels)
        small = (-(-height // scale), -(-width // scale), self.channels[-1])
        hidden = MLP([self.width, small[0] * small[1] * small[2]])(latents)
        hidden = hidden.reshape(*latents.shape[:-1], *small)
        for features in reversed(self.channels):
            hidden = nn.Conv(features, (3, 3), conv_general_dilated=flax_convolution)(upsample_nearest(hidden))
            hidden = nn.relu(hidden)
        hidden = hidden[..., :height, :width, :]
        flat = nn.Conv(channels * self.outputs, (3, 3), conv_general_dilated=flax_convolution)(hidden)
        return flat.reshape(*flat.shape[:-1], channels, self.outputs)


class Autoencoder(nn.Module):
    """An encoder and a decoder."""

    encoder: nn.Module
    decoder: nn.Module

    def encode(self, images: Float[Array, "*batch height width channels"]) -> Any:
        """What the encoder's head makes of the images."""
        return self.encoder(images)

    def decode(self, codes: Float[Array, "*batch latent"]) -> Float[Array, "*batch height width channels outputs"]:
        """The numbers that parameterise p(x | code), for a likelihood of ``losses/likelihoods.py``.

        Leading axes are one batch to the decoder: XLA:CPU transposes what is multiplied where there are several.
        """
        decoded = self.decoder(codes.reshape(-1, codes.shape[-1]))
        return decoded.reshape(*codes.shape[:-1], *decoded.shape[1:])

    def __call__(self, images: Float[Array, "*batch height width channels"]) -> dict[str, Array]:
        """Code and decoded code, under named keys."""
        code = self.encode(images)
        return {"code": code, "decoded": self.decode(code)}


def mlp_autoencoder(
    head: nn.Module,
    image_shape: tuple[int, int, int],
    *,
    outputs: int,
    widths: Sequence[int],
    activation: str = "relu",
) -> Autoencoder:
    """Dense layers of ``widths`` down to the head and, in reverse order, up again."""
    decoder = MLPDecoder(image_shape, outputs, tuple(reversed(widths)), activation)
    return Autoencoder(MLPEncoder(head, tuple(widths), activation), decoder)


def conv_autoencoder(
    head: nn.Module, image_shape: tuple[int, int, int], *, outputs: int, channels: Sequence[int]
) -> Autoencoder:
    """Convolutions with ``channels`` features, halving the resolution each, and their mirror image."""
    return Autoencoder(ConvEncoder(head, tuple(channels)), ConvDecoder(image_shape, outputs, tuple(channels)))


def first_kernel(params: Mapping[str, Any]) -> Float[Array, "pixels units"]:
    """The weights of the first dense layer of an encoder made of dense layers."""
    encoder = params["params"]["encoder"]
    return encoder["MLP_0"]["Dense_0"]["kernel"] if "MLP_0" in encoder else encoder["head"]["linear"]["kernel"]
