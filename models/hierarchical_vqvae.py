"""The vector-quantised autoencoder of two levels, and the prior over its codes: what is coarse, then what is fine.

The top level's codes see the image at a quarter of its height and width, the bottom level's at half of it and the top's
codes besides. A transformer reads the codes of both as one sequence, so that p(top) p(bottom | top) is learnt at once.
Razavi et al. 2019, section 3. Lecture 004.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key, PyTree

from models.gpt import GPT
from models.layers.conv import flax_convolution
from models.layers.quantize import straight_through
from models.transformer import Shape
from models.vqvae import Doubling, Quantized, ResidualBlocks, quantized, uniform_codebook

CODEBOOKS = ("top", "bottom")
"""The names of the levels, and of their codebooks among the parameters."""


def grids(image_shape: tuple[int, int, int]) -> dict[str, tuple[int, int]]:
    """Height and width of the field of codes of each level: a quarter of the image's, and half of it.

    Razavi et al. 2019, section 3.1, have an eighth and a quarter of images of 256 × 256.
    """
    height, width, _ = image_shape
    return {"top": (-(-height // 4), -(-width // 4)), "bottom": (-(-height // 2), -(-width // 2))}


def positions(image_shape: tuple[int, int, int]) -> dict[str, int]:
    """Codes of an image in each level."""
    return {name: height * width for name, (height, width) in grids(image_shape).items()}


class Levels(NamedTuple):
    """The vectors and codes of both levels, each a field [*batch, positions, dimensions] row by row."""

    top: Quantized
    bottom: Quantized


class Halving(nn.Module):
    """A 4×4 convolution of stride 2, and residual blocks."""

    features: int
    blocks: int

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch shorter narrower features"]:
        hidden = nn.Conv(self.features, (4, 4), 2, conv_general_dilated=flax_convolution)(images)
        return ResidualBlocks(self.features, self.blocks)(nn.relu(hidden))


class Enlarging(nn.Module):
    """A 3×3 convolution, residual blocks, and a transposed convolution to twice the height and width."""

    features: int
    blocks: int
    outputs: int

    @nn.compact
    def __call__(
        self, hidden: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch taller wider outputs"]:
        hidden = nn.Conv(self.features, (3, 3), conv_general_dilated=flax_convolution)(hidden)
        return Doubling(self.outputs)(ResidualBlocks(self.features, self.blocks)(hidden))


class HierarchicalVQVAE(nn.Module):
    """Image → codes of two levels → image; and a prior over the codes.

    A code's *index* is its number in the codebook of its level. Indices of an image stand in one row: those of the top
    level first, then those of the bottom.
    """

    image_shape: tuple[int, int, int]
    outputs: int
    """numbers for each value of the image"""
    features: int
    """of the convolutions"""
    blocks: int
    """residual ones after each halving and before each enlarging"""
    codes: int
    """vectors in each codebook"""
    dimensions: int
    """of a code"""
    prior: GPT
    """over the symbols of ``prior_network``"""

    def setup(self):
        shape = (self.codes, self.dimensions)
        self.codebooks = {name: self.param(name, uniform_codebook, shape, jnp.float32) for name in CODEBOOKS}
        self.bottom_encoder, self.top_encoder = (Halving(self.features, self.blocks) for _ in range(2))
        self.to_top, self.to_bottom = self._one_by_one(), self._one_by_one()
        self.top_decoder = Enlarging(self.features, self.blocks, self.features)
        self.top_enlarged = Doubling(self.dimensions)
        self.decoder = Enlarging(self.features, self.blocks, self.image_shape[2] * self.outputs)

    def _one_by_one(self) -> nn.Conv:
        return nn.Conv(self.dimensions, (1, 1), conv_general_dilated=flax_convolution)

    @property
    def positions(self) -> dict[str, int]:
        """Codes of an image in each level."""
        return positions(self.image_shape)

    def encode(self, images: Float[Array, "*batch height width channels"]) -> Levels:
        """The vectors of each level, and the codes nearest to them."""
        batch = images.shape[:-3]
        half = self.bottom_encoder(images.reshape(-1, *images.shape[-3:]))
        top = self._quantized("top", self.to_top(self.top_encoder(half)))
        below = self._cropped(self.top_decoder(self._field("top", straight_through(top.vectors, top.codes))))
        bottom = self._quantized("bottom", self.to_bottom(jnp.concatenate([half, below], axis=-1)))
        return jax.tree.map(lambda each: each.reshape(*batch, *each.shape[1:]), Levels(top, bottom))

    def indices(self, images: Float[Array, "*batch height width channels"]) -> Int[Array, "*batch positions"]:
        """The row of indices of each image: those of the top level, then those of the bottom."""
        return _row(self.encode(images))

    def decode(
        self,
        top: Float[Array, "*batch top_positions dimensions"],
        bottom: Float[Array, "*batch bottom_positions dimensions"],
    ) -> Float[Array, "*batch height width channels outputs"]:
        """The numbers that parameterise p(x | codes of both levels)."""
        batch = top.shape[:-2]
        enlarged = self._cropped(self.top_enlarged(self._field("top", top.reshape(-1, *top.shape[-2:]))))
        fine = self._field("bottom", bottom.reshape(-1, *bottom.shape[-2:]))
        height, width, channels = self.image_shape
        values = self.decoder(jnp.concatenate([enlarged, fine], axis=-1))[:, :height, :width]
        return values.reshape(*batch, height, width, channels, self.outputs)

    def decode_indices(
        self, indices: Int[Array, "*batch positions"]
    ) -> Float[Array, "*batch height width channels outputs"]:
        """The same, of the codes with these indices."""
        top, bottom = jnp.split(indices, [self.positions["top"]], axis=-1)
        return self.decode(self.codebooks["top"][top], self.codebooks["bottom"][bottom])

    def prior_logits(
        self, indices: Int[Array, "*batch positions"], label: Int[Array, "*batch"]
    ) -> Float[Array, "*batch positions codes"]:
        """The logits of each index, given the label and all indices before it."""
        start = (2 * self.codes + label).astype(indices.dtype)[..., None]
        symbols = indices + self.symbol_offsets.astype(indices.dtype)
        logits = self.prior(jnp.concatenate([start, symbols], axis=-1)[..., :-1])
        top = self.positions["top"]
        return jnp.concatenate([logits[..., :top, : self.codes], logits[..., top:, self.codes : 2 * self.codes]], -2)

    def __call__(
        self, images: Float[Array, "*batch height width channels"], label: Int[Array, "*batch"]
    ) -> dict[str, Any]:
        """Levels, indices, the decoded codes and the prior's logits; the gradient passes straight through the codes,
        and none comes from the prior.
        """
        levels = self.encode(images)
        indices = _row(levels)
        decoded = self.decode(*(straight_through(each.vectors, each.codes) for each in levels))
        return levels._asdict() | {
            "indices": indices,
            "decoded": decoded,
            "prior_logits": self.prior_logits(indices, label),
        }

    def _quantized(self, level: str, vectors: Float[Array, "batch height width dimensions"]) -> Quantized:
        return quantized(vectors.reshape(len(vectors), -1, self.dimensions), self.codebooks[level])

    def _field(self, level: str, codes: Float[Array, "batch positions dimensions"]) -> Array:
        return codes.reshape(len(codes), *grids(self.image_shape)[level], -1)

    def _cropped(self, field: Float[Array, "batch taller wider _"]) -> Float[Array, "batch height width _"]:
        height, width = grids(self.image_shape)["bottom"]
        return field[:, :height, :width]

    @property
    def symbol_offsets(self) -> np.ndarray:
        """By position the first of the symbols that stand for its level's indices."""
        return np.repeat(np.array([0, self.codes], np.int32), list(self.positions.values()))


def prior_network(image_shape: tuple[int, int, int], *, codes: int, labels: int, shape: Shape) -> GPT:
    """A transformer over the codes of such images.

    Its symbols are the indices of the top level, those of the bottom, and one for each label, which begins the row.
    """
    return GPT(2 * codes + labels, sum(positions(image_shape).values()), shape)


def draw_indices(
    model: HierarchicalVQVAE, params: PyTree, key: Key[Array, ""], label: Int[Array, ""]
) -> Int[Array, " positions"]:
    """Indices of both levels from the prior, one after the other, in a loop that remembers what was drawn.

    Razavi et al. 2019, section 3.2.
    """
    prior, of_prior = model.prior, {"params": params["params"]["prior"]}

    def next_index(carried, given):
        symbol, memory = carried
        place, offset, key = given
        logits, memory = prior.apply(of_prior, symbol[None], memory, place, method="extend")
        index = jax.random.categorical(key, jax.lax.dynamic_slice_in_dim(logits[0], offset, model.codes))
        index = index.astype(offset.dtype)
        return (index + offset, memory), index

    offsets = model.symbol_offsets
    places = np.arange(len(offsets), dtype=np.int32)
    start = (2 * model.codes + label).astype(np.int32), prior.apply(of_prior, method="empty_memory")
    return jax.lax.scan(next_index, start, (places, offsets, jax.random.split(key, len(offsets))))[1]


def _row(levels: Levels) -> Int[Array, "*batch positions"]:
    return jnp.concatenate([each.indices for each in levels], axis=-1)
