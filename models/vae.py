"""The variational autoencoder: an encoder from images to Gaussians, a decoder from latents to distributions of images.

Kingma & Welling 2014; Rezende et al. 2014. Lectures: 000, "Variational autoencoder"; 002, part 5; 003, section 4.1;
004.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from models.autoencoder import Autoencoder, conv_autoencoder, mlp_autoencoder
from models.layers.initializers import GLOROT_UNIFORM
from models.layers.random_arrays import normal


class Gaussian(NamedTuple):
    """N(mean, diag(exp(log_variance)))."""

    mean: Float[Array, "*batch latent"]
    log_variance: Float[Array, "*batch latent"]


def sample_gaussian(key: Key[Array, ""], gaussian: Gaussian) -> Float[Array, "*batch latent"]:
    """One draw, differentiable in the distribution's parameters (the reparameterisation trick).

        z = m + exp(s/2)·ε,   ε ~ N(0, I),   s = log_variance

    Kingma & Welling 2014, section 2.4.
    """
    noise = normal(key, gaussian.mean.shape, gaussian.mean.dtype)
    return gaussian.mean + jnp.exp(0.5 * gaussian.log_variance) * noise


class GaussianHead(nn.Module):
    """A linear map of the features to mean and log-variance, as one product."""

    latent: int

    @nn.compact
    def __call__(self, features: Float[Array, "*batch features"]) -> Gaussian:
        both = nn.Dense(2 * self.latent, kernel_init=GLOROT_UNIFORM)(features)
        return Gaussian(*jnp.split(both, 2, axis=-1))


class VAE(Autoencoder):
    """An autoencoder whose encoder gives the approximate posterior q(z | x); the latent's prior is N(0, I)."""

    def __call__(self, images: Float[Array, "*batch height width channels"]) -> dict[str, Array]:
        """Posterior and decoded posterior mean, under named keys: a deterministic reconstruction."""
        posterior = self.encode(images)
        return {"mean": posterior.mean, "log_variance": posterior.log_variance, "decoded": self.decode(posterior.mean)}


def mlp_vae(
    image_shape: tuple[int, int, int], *, outputs: int, latent: int, widths: Sequence[int], activation: str = "relu"
) -> VAE:
    """Dense layers of ``widths`` down to the latent and, in reverse order, up again."""
    parts = mlp_autoencoder(GaussianHead(latent), image_shape, outputs=outputs, widths=widths, activation=activation)
    return VAE(parts.encoder, parts.decoder)


def conv_vae(image_shape: tuple[int, int, int], *, outputs: int, latent: int, channels: Sequence[int]) -> VAE:
    """Convolutions with ``channels`` features, halving the resolution each, and their mirror image."""
    parts = conv_autoencoder(GaussianHead(latent), image_shape, outputs=outputs, channels=channels)
    return VAE(parts.encoder, parts.decoder)
