"""The transformer for pairs of sequences: an encoder reads the source, a decoder writes the target, symbol by symbol.

Vaswani et al. 2017. Lecture 000, "Transformer architecture"; Lecture 003, "Encoder-decoder". Symbol 0 stands for
nothing: sources are padded with it and targets end in it, and the decoder is given it before a target's first symbol.
"""

from math import sqrt
from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from models.dropout import Dropout
from models.layers.attention import causal_mask, sinusoidal_positions
from models.layers.dense import flat_product
from models.layers.initializers import gaussian
from models.transformer import Block, LayerNorm, Memory, Shape, empty_memory


class Embedding(nn.Module):
    """Symbols and their places as numbers, and a logit for each symbol by the same matrix.

        x_t = √d e(s_t) + p_t,   logits = Eᵀ h

    p_t are sines and cosines; E begins at N(0, 1/d). Vaswani et al. 2017, sections 3.4 and 3.5.
    """

    symbols: int
    shape: Shape

    def setup(self):
        begin = gaussian(1 / sqrt(self.shape.width))
        self.table = self.param("table", begin, (self.symbols, self.shape.width), jnp.float32)
        self.dropout = Dropout(self.shape.dropout)

    def __call__(
        self, text: Int[Array, "*batch places"], start: Int[Array, ""] | int = 0
    ) -> Float[Array, "*batch places width"]:
        """The first symbol stands at place ``start``."""
        places = start + jnp.arange(text.shape[-1], dtype=jnp.int32)
        positions = sinusoidal_positions(places, size=self.shape.width).astype(self.table.dtype)
        return self.dropout(self.table[text] * sqrt(self.shape.width) + positions)

    def logits(self, features: Float[Array, "*batch places width"]) -> Float[Array, "*batch places symbols"]:
        """Of the symbols."""
        return flat_product(features, self.table.T)


class Stack(nn.Module):
    """Blocks in turn, and a normalisation after the last where branches are normalised before."""

    shape: Shape
    cross: bool = False

    def setup(self):
        self.blocks = [Block(self.shape, self.cross) for _ in range(self.shape.depth)]
        self.norm = LayerNorm(self.shape.bias) if self.shape.norm == "before" else lambda features: features

    def __call__(
        self,
        features: Float[Array, "*batch places width"],
        mask: Bool[Array, "#*batch #places places"] | None,
        source: Float[Array, "*batch source_places width"] | None = None,
        source_mask: Bool[Array, "#*batch #places source_places"] | None = None,
    ) -> Float[Array, "*batch places width"]:
        """What the blocks make of the tokens."""
        for block in self.blocks:
            features = block(features, mask, source, source_mask)
        return self.norm(features)

    def extend(
        self,
        features: Float[Array, "*batch places width"],
        memory: tuple[Memory, ...],
        start: Int[Array, ""],
        source: Float[Array, "*batch source_places width"],
        source_mask: Bool[Array, "#*batch #places source_places"],
    ) -> tuple[Float[Array, "*batch places width"], tuple[Memory, ...]]:
        """The same for the next places of a sequence that the memory holds."""
        extended = []
        for block, of_block in zip(self.blocks, memory, strict=True):
            features, of_block = block.extend(features, of_block, start, source, source_mask)
            extended.append(of_block)
        return self.norm(features), tuple(extended)


class Encoder(nn.Module):
    """The encoder alone: every place sees every other that holds a symbol. Devlin et al. 2019 (BERT).

    Its outputs are a logit for each of ``outputs`` at every place: the symbol that stands there, or a tag. Lecture 003,
    "Encoder-only".
    """

    symbols: int
    outputs: int
    shape: Shape

    @nn.compact
    def __call__(self, text: Int[Array, "*batch places"]) -> Float[Array, "*batch places outputs"]:
        features = Embedding(self.symbols, self.shape, name="embedding")(text)
        features = Stack(self.shape, name="stack")(features, _present(text))
        return nn.Dense(self.outputs, dot_general=flat_product, name="readout")(features)


class Decoding(NamedTuple):
    """What a decoder holds while it writes a target."""

    memory: tuple[Memory, ...]
    place: Int[Array, ""]
    """how many symbols are written"""
    encoded: Float[Array, "*batch source_places width"]
    present: Bool[Array, "*batch 1 source_places"]


class EncoderDecoder(nn.Module):
    """Source and target → logits of the target's symbols, each from the source and the target's symbols before it."""

    symbols: int
    shape: Shape

    def setup(self):
        self.embedding = Embedding(self.symbols, self.shape)
        self.encoder = Stack(self.shape)
        self.decoder = Stack(self.shape, cross=True)

    def __call__(
        self, source: Int[Array, "*batch source_places"], before: Int[Array, "*batch places"]
    ) -> Float[Array, "*batch places symbols"]:
        """``before`` holds at each place the symbol before the one that is predicted there."""
        places = jnp.arange(before.shape[-1])
        features = self.embedding(before)
        decoded = self.decoder(features, causal_mask(places, places), self._encode(source), _present(source))
        return self.embedding.logits(decoded)

    def begin(self, source: Int[Array, "*batch source_places"], places: int) -> Decoding:
        """Before the first symbol of a target with so many places."""
        memory = empty_memory(self.shape, *source.shape[:-1], places=places, dtype=self.embedding.table.dtype)
        return Decoding(memory, jnp.int32(0), self._encode(source), _present(source))

    def step(self, state: Decoding, before: Int[Array, "*batch"]) -> tuple[Decoding, Float[Array, "*batch symbols"]]:
        """The logits after one more symbol."""
        features = self.embedding(before[..., None], state.place)
        decoded, memory = self.decoder.extend(features, state.memory, state.place, state.encoded, state.present)
        after = state._replace(memory=memory, place=state.place + 1)
        return after, self.embedding.logits(decoded)[..., 0, :]

    def _encode(self, source: Int[Array, "*batch source_places"]) -> Float[Array, "*batch source_places width"]:
        return self.encoder(self.embedding(source), _present(source))


def _present(text: Int[Array, "*batch places"]) -> Bool[Array, "*batch 1 places"]:
    """The mask that shows the places that hold a symbol."""
    return (text != 0)[..., None, :]
