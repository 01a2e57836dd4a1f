"""The vector-quantised variational autoencoder: the code of an image is a field of vectors of one codebook.

van den Oord et al. 2017. Lecture 004 shows samples of its successor (Razavi et al. 2019).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Key

from models.autoencoder import Autoencoder, CodeHead, mlp_autoencoder
from models.layers.conv import convolve, flax_convolution
from models.layers.quantize import nearest_code, straight_through
from models.layers.random_arrays import uniform


class Quantized(NamedTuple):
    """The encoder's vectors, the index of the code nearest to each, and these codes."""

    vectors: Float[Array, "*batch positions dimensions"]
    indices: Int[Array, "*batch positions"]
    codes: Float[Array, "*batch positions dimensions"]


def uniform_codebook(
    key: Key[Array, ""], shape: tuple[int, int], dtype: DTypeLike = float
) -> Float[Array, "codes dimensions"]:
    """A codebook to begin with: every number uniform over ±1/codes, as in the code of van den Oord et al. 2017."""
    return uniform(key, shape, dtype, minval=-1 / shape[0], maxval=1 / shape[0])


def quantized(
    vectors: Float[Array, "*batch positions dimensions"], codebook: Float[Array, "codes dimensions"]
) -> Quantized:
    """The nearest code of each vector. van den Oord et al. 2017, equation 1."""
    flat = vectors.reshape(-1, vectors.shape[-1])
    indices = jax.vmap(nearest_code, (0, None))(jax.lax.stop_gradient(flat), jax.lax.stop_gradient(codebook))
    indices = indices.reshape(vectors.shape[:-1])
    return Quantized(vectors, indices, codebook[indices])


class VQVAE(Autoencoder):
    """An autoencoder whose code is a sequence of codebook vectors.

    The encoder gives the vectors of all positions, in any shape; ``decode`` takes them as they left the encoder.
    """

    codes: int
    dimensions: int

    def setup(self):
        self.codebook = self.param("codebook", uniform_codebook, (self.codes, self.dimensions), jnp.float32)

    def encode(self, images: Float[Array, "*batch height width channels"]) -> Quantized:
        """The vector of each position, and the nearest code."""
        vectors = self.encoder(images).reshape(*images.shape[:-3], -1, self.dimensions)
        return quantized(vectors, self.codebook)

    def indices(self, images: Float[Array, "*batch height width channels"]) -> Int[Array, "*batch positions"]:
        """The indices of the nearest codes alone."""
        return self.encode(images).indices

    def decode(
        self, codes: Float[Array, "*batch positions dimensions"]
    ) -> Float[Array, "*batch height width channels outputs"]:
        """The numbers that parameterise p(x | codes)."""
        return super().decode(codes.reshape(*codes.shape[:-2], -1))

    def decode_indices(
        self, indices: Int[Array, "*batch positions"]
    ) -> Float[Array, "*batch height width channels outputs"]:
        """The same, of the codes with these indices."""
        return self.decode(self.codebook[indices])

    def __call__(self, images: Float[Array, "*batch height width channels"]) -> dict[str, Any]:
        """Vectors, indices, codes and the decoded codes, under named keys; the gradient passes straight through."""
        quantized = self.encode(images)
        return {**quantized._asdict(), "decoded": self.decode(straight_through(quantized.vectors, quantized.codes))}


class ResidualBlocks(nn.Module):
    """h ← h + conv₁(relu(conv₃(relu(h)))), so many times: 3×3 and 1×1 convolutions."""

    features: int
    blocks: int = 2

    @nn.compact
    def __call__(
        self, hidden: Float[Array, "batch height width features"]
    ) -> Float[Array, "batch height width features"]:
        for _ in range(self.blocks):
            inner = nn.Conv(self.features, (3, 3), conv_general_dilated=flax_convolution)(nn.relu(hidden))
            hidden += nn.Conv(self.features, (1, 1), conv_general_dilated=flax_convolution)(nn.relu(inner))
        return nn.relu(hidden)


class Doubling(nn.Module):
    """A transposed 4×4 convolution of stride 2: the adjoint of the convolution that halves height and width."""

    features: int

    @nn.compact
    def __call__(
        self, hidden: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch taller wider features"]:
        batch, height, width, channels = hidden.shape
        initial = nn.initializers.lecun_normal(in_axis=-1, out_axis=-2)
        kernel = self.param("kernel", initial, (4, 4, self.features, channels)).astype(hidden.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)).astype(hidden.dtype)
        larger = jnp.zeros((batch, 2 * height, 2 * width, self.features), hidden.dtype)
        _, adjoint = jax.vjp(lambda images: convolve(images, kernel, stride=2, padding="SAME"), larger)
        return adjoint(hidden)[0] + bias


class ResidualEncoder(nn.Module):
    """Image → two 4×4 convolutions of stride 2 → residual blocks → ``numbers`` numbers at every position."""

    features: int
    numbers: int

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> Float[Array, "*batch numbers"]:
        hidden = images.reshape(-1, *images.shape[-3:])
        for _ in range(2):
            hidden = nn.relu(nn.Conv(self.features, (4, 4), 2, conv_general_dilated=flax_convolution)(hidden))
        hidden = ResidualBlocks(self.features)(hidden)
        hidden = nn.Conv(self.numbers, (1, 1), conv_general_dilated=flax_convolution)(hidden)
        return hidden.reshape(*images.shape[:-3], -1)


class ResidualDecoder(nn.Module):
    """The encoder backwards: residual blocks, then two transposed convolutions."""

    image_shape: tuple[int, int, int]
    outputs: int
    features: int

    @nn.compact
    def __call__(self, latents: Float[Array, "batch latent"]) -> Float[Array, "batch height width channels outputs"]:
        height, width, channels = self.image_shape
        hidden = latents.reshape(len(latents), -(-height // 4), -(-width // 4), -1)
        hidden = nn.Conv(self.features, (3, 3), conv_general_dilated=flax_convolution)(hidden)
        hidden = nn.relu(Doubling(self.features)(ResidualBlocks(self.features)(hidden)))
        flat = Doubling(channels * self.outputs)(hidden)[:, :height, :width]
        return flat.reshape(*flat.shape[:-1], channels, self.outputs)


def mlp_vqvae(
    image_shape: tuple[int, int, int],
    *,
    outputs: int,
    codes: int,
    dimensions: int,
    positions: int,
    widths: Sequence[int],
    activation: str = "relu",
) -> VQVAE:
    """Dense layers of ``widths`` down to ``positions`` vectors and, in reverse order, up again."""
    head = CodeHead(positions * dimensions)
    parts = mlp_autoencoder(head, image_shape, outputs=outputs, widths=widths, activation=activation)
    return VQVAE(parts.encoder, parts.decoder, codes, dimensions)


def residual_vqvae(
    image_shape: tuple[int, int, int], *, outputs: int, codes: int, dimensions: int, layers: int, features: int
) -> VQVAE:
    """The paper's network: ``layers`` vectors at every position of a grid of a quarter of the height and width.

    van den Oord et al. 2017, section 4.1, where CIFAR-10 has 8 × 8 × 10 codes and ``features`` are 256.
    """
    encoder = ResidualEncoder(features, layers * dimensions)
    return VQVAE(encoder, ResidualDecoder(image_shape, outputs, features), codes, dimensions)
