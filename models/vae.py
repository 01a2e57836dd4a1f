"""The variational autoencoder: an encoder from images to Gaussians, a decoder from latents to distributions of images.

Kingma & Welling 2014; Rezende et al. 2014. Lectures: 000, "Variational autoencoder"; 002, part 5; 003, section 4.1;
004.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from models.layers.conv import flax_convolution
from models.layers.resize import upsample_nearest
from models.mlp import MLP


class Gaussian(NamedTuple):
    """N(mean, diag(exp(log_variance)))."""

    mean: Float[Array, "*batch latent"]
    log_variance: Float[Array, "*batch latent"]


def sample_gaussian(key: Key[Array, ""], gaussian: Gaussian) -> Float[Array, "*batch latent"]:
    """One draw, differentiable in the distribution's parameters (the reparameterisation trick).

        z = m + exp(s/2)·ε,   ε ~ N(0, I),   s = log_variance

    Kingma & Welling 2014, section 2.4.
    """
    noise = jax.random.normal(key, gaussian.mean.shape, gaussian.mean.dtype)
    return gaussian.mean + jnp.exp(0.5 * gaussian.log_variance) * noise


class GaussianHead(nn.Module):
    """A linear map of the features to mean and log-variance, as one product."""

    latent: int

    @nn.compact
    def __call__(self, features: Float[Array, "*batch features"]) -> Gaussian:
        both = nn.Dense(2 * self.latent, kernel_init=nn.initializers.glorot_uniform())(features)
        return Gaussian(*jnp.split(both, 2, axis=-1))


class MLPEncoder(nn.Module):
    """Image → dense layers → Gaussian."""

    latent: int
    widths: Sequence[int]
    activation: str = "relu"

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> Gaussian:
        features = MLP(self.widths, self.activation)(images.reshape(*images.shape[:-3], -1))
        return GaussianHead(self.latent)(features)


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
        flat = nn.Dense(size, kernel_init=nn.initializers.glorot_uniform())(features)
        return flat.reshape(*latents.shape[:-1], *shape)


class ConvEncoder(nn.Module):
    """Image → 3×3 convolutions of stride 2 → dense layer → Gaussian."""

    latent: int
    channels: Sequence[int]
    width: int = 128

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> Gaussian:
        hidden = images
        for channels in self.channels:
            hidden = nn.relu(nn.Conv(channels, (3, 3), 2, conv_general_dilated=flax_convolution)(hidden))
        return GaussianHead(self.latent)(MLP([self.width])(hidden.reshape(*images.shape[:-3], -1)))


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


class VAE(nn.Module):
    """An encoder and a decoder; the latent's prior is N(0, I)."""

    encoder: nn.Module
    decoder: nn.Module

    def encode(self, images: Float[Array, "*batch height width channels"]) -> Gaussian:
        """The approximate posterior q(z | x)."""
        return self.encoder(images)

    def decode(self, latents: Float[Array, "*batch latent"]) -> Float[Array, "*batch height width channels outputs"]:
        """The numbers that parameterise p(x | z), for a likelihood of ``losses/likelihoods.py``.

        Leading axes are one batch to the decoder: XLA:CPU transposes what is multiplied where there are several.
        """
        decoded = self.decoder(latents.reshape(-1, latents.shape[-1]))
        return decoded.reshape(*latents.shape[:-1], *decoded.shape[1:])

    def __call__(self, images: Float[Array, "*batch height width channels"]) -> dict[str, Array]:
        """Posterior and decoded posterior mean, under named keys: a deterministic reconstruction."""
        posterior = self.encode(images)
        return {"mean": posterior.mean, "log_variance": posterior.log_variance, "decoded": self.decode(posterior.mean)}


def mlp_vae(
    image_shape: tuple[int, int, int], *, outputs: int, latent: int, widths: Sequence[int], activation: str = "relu"
) -> VAE:
    """Dense layers of ``widths`` down to the latent and, in reverse order, up again."""
    encoder = MLPEncoder(latent, tuple(widths), activation)
    return VAE(encoder, MLPDecoder(image_shape, outputs, tuple(reversed(widths)), activation))


def conv_vae(image_shape: tuple[int, int, int], *, outputs: int, latent: int, channels: Sequence[int]) -> VAE:
    """Convolutions with ``channels`` features, halving the resolution each, and their mirror image."""
    return VAE(ConvEncoder(latent, tuple(channels)), ConvDecoder(image_shape, outputs, tuple(channels)))
