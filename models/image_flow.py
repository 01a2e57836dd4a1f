"""Flows of images: dequantisation, a logit, and couplings whose networks are convolutional.

Dinh et al. 2017; Ho et al. 2019 for dequantisation by a flow. The nets ``simple`` and ``multiscale`` are those of the
University of Amsterdam's deep-learning tutorial 11 (Lippe 2022). Lecture 003, section 4.3.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.flow import COUPLINGS, ActivationNormalization, AffineCoupling, Flow, LogDeterminants, Mixing, Squeeze
from models.layers.conv import flax_convolution
from models.layers.coupling import channel_mask, checkerboard_mask
from models.layers.dequantization import dequantize, invert_logit, logit, quantize_levels
from models.layers.gated_residual import concatenated_elu, gated_residual
from models.transformer import LayerNorm

Images = Float[Array, "batch height width channels"]
MARGIN = 1e-5
"""Of the logits."""


class GatedConvNet(nn.Module):
    """3×3 convolutions with gates, each beside its input and normalised over channels; the last starts at zero."""

    hidden: int
    outputs: int
    depth: int = 3

    @nn.compact
    def __call__(self, images: Images) -> Float[Array, "batch height width outputs"]:
        conv = partial(nn.Conv, conv_general_dilated=flax_convolution)
        features = conv(self.hidden, (3, 3))(images)
        for _ in range(self.depth):
            inner = conv(self.hidden, (3, 3))(concatenated_elu(features))
            outer = conv(2 * self.hidden, (1, 1))(concatenated_elu(inner))
            features = LayerNorm()(gated_residual(features, outer))
        return conv(self.outputs, (3, 3), kernel_init=nn.initializers.zeros)(concatenated_elu(features))


class UniformDequantizer(nn.Module):
    """Noise as it is drawn: uniform, and so of density 1."""

    def __call__(self, images: Images, noise: Images) -> tuple[Images, LogDeterminants]:
        """The noise of these images, and its log-density."""
        return noise, jnp.zeros(images.shape[0], images.dtype)


class VariationalDequantizer(nn.Module):
    """Uniform noise that couplings take to where the image's bins hold more of the density; it starts uniform.

    log q(u | x) = −log |det ∂u/∂ε| of uniform ε. Ho et al. 2019, section 3.1.
    """

    layers: Sequence[AffineCoupling]

    def __call__(self, images: Images, noise: Images) -> tuple[Images, LogDeterminants]:
        """The noise of these images, made of uniform ``noise``, and its log-density."""
        values, total = jax.vmap(partial(logit, margin=MARGIN))(noise)
        for layer in self.layers:
            values, log_determinants = layer(values, 2 * images - 1)
            total += log_determinants
        within, log_determinants = jax.vmap(partial(invert_logit, margin=0.0))(values)
        return within, -(total + log_determinants)


class ImageFlow(nn.Module):
    """A flow of images of ``levels`` grey levels, whose bins noise fills."""

    flow: Flow
    dequantizer: UniformDequantizer | VariationalDequantizer
    levels: int

    def __call__(self, images: Images, noise: Images | None = None) -> dict[str, Array]:
        """Of intensities in [0, 1] and uniform noise (or the middles of bins): latents, the log-determinants of the way
        from noise to latent, and the log-densities of the noise, under named keys.
        """
        noise = jnp.full_like(images, 0.5) if noise is None else noise
        within, log_noise_density = self.dequantizer(images, noise)
        values, of_bins = jax.vmap(partial(dequantize, levels=self.levels))(images, within)
        logits, of_logit = jax.vmap(partial(logit, margin=MARGIN))(values)
        passed = self.flow(logits)
        total = of_bins + of_logit + passed["log_determinant"]
        return {"latent": passed["latent"], "log_determinant": total, "log_noise_density": log_noise_density}

    def invert(self, latents: Float[Array, "batch latent"]) -> tuple[Images, LogDeterminants]:
        """The intensities of these latents, and the log-determinants of the way from latent to a place in the bins."""
        logits, of_flow = self.flow.invert(latents)
        values, of_logit = jax.vmap(partial(invert_logit, margin=MARGIN))(logits)
        _, of_bins = dequantize(values[0], jnp.zeros_like(values[0]), levels=self.levels)
        images = quantize_levels(values, levels=self.levels)
        return images, of_flow + of_logit - of_bins


class Conditioners(NamedTuple):
    """The networks of a flow's couplings, and what these do."""

    hidden: int
    """features of a convolution"""
    depth: int
    """gated convolutions of a network"""
    blocks: int = 4
    """couplings of a scale"""
    coupling: str = "affine"

    def times(self, factor: float) -> "Conditioners":
        """Of so many times the features."""
        return self._replace(hidden=round(factor * self.hidden))

    def couplings(self, mask: Callable[..., Array], count: int, channels: int) -> list[nn.Module]:
        """So many, which keep one half and the other in turn."""
        kind = COUPLINGS[self.coupling]
        masks = [partial(mask, parity=number % 2) for number in range(count)]
        return [kind(GatedConvNet(self.hidden, kind.outputs * channels, self.depth), mask) for mask in masks]


def simple_flow(shape: tuple[int, int, int], nets: Conditioners) -> Flow:
    """Couplings of checkerboards, of as many blocks as two scales. Lippe 2022, tutorial 11, in which they are eight."""
    return Flow(shape, (tuple(nets.couplings(checkerboard_mask, 2 * nets.blocks, shape[-1])),))


def multiscale_flow(shape: tuple[int, int, int], nets: Conditioners) -> Flow:
    """A scale whose blocks are half of checkerboards and half of channels, and one of channels.

    Lippe 2022, tutorial 11, in which scales have four blocks, and 32 features become 48 and 64.
    """
    channels, of_channels = shape[-1], nets.blocks // 2
    checkered = nets.couplings(checkerboard_mask, nets.blocks - of_channels, channels)
    first = [*checkered, Squeeze(), *nets.times(1.5).couplings(channel_mask, of_channels, 4 * channels)]
    second = [Squeeze(), *nets.times(2.0).couplings(channel_mask, nets.blocks, 8 * channels)]
    return Flow(shape, (tuple(first), tuple(second)))


def glow_flow(shape: tuple[int, int, int], nets: Conditioners) -> Flow:
    """Two scales whose blocks are activation normalisation, an invertible 1×1 convolution, a coupling of channels.

    Kingma & Dhariwal 2018, figure 2; the networks of the couplings are those of the other flows.
    """

    def scale(channels: int) -> tuple[nn.Module, ...]:
        couplings = nets.couplings(channel_mask, nets.blocks, channels)
        blocks = [layer for each in couplings for layer in (ActivationNormalization(), Mixing(), each)]
        return (Squeeze(), *blocks)

    return Flow(shape, (scale(4 * shape[-1]), scale(8 * shape[-1])))


IMAGE_FLOWS = {"simple": simple_flow, "multiscale": multiscale_flow, "glow": glow_flow}
"""By name, from the shape of an image and the networks of the couplings."""


def variational_dequantizer(channels: int, nets: Conditioners) -> VariationalDequantizer:
    """Noise by couplings of checkerboards. Lippe 2022, tutorial 11, in which they are four, of 16 features."""
    return VariationalDequantizer(tuple(nets.couplings(checkerboard_mask, nets.blocks, channels)))
