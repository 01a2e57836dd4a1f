"""The decoder-only transformer: every place predicts the next symbol from itself and all before it."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from models.dropout import Dropout
from models.layers.attention import causal_mask
from models.layers.dense import flat_product
from models.layers.initializers import gaussian
from models.transformer import DEVIATION, Block, LayerNorm, Memory, Shape, empty_memory


class GPT(nn.Module):
    """Symbols and their places → embeddings → blocks under a causal mask → a logit for each symbol.

        h_t = e(s_t) + p_t,   logits(s_{t+1}) = Eᵀ norm(blocks(h))_t

    The embedding E of symbols also reads the logits off (Press & Wolf 2017); places have learned embeddings, as many as
    the ``context``. Radford et al. 2019. Lecture 003, "Decoder-only".
    """

    symbols: int
    """size of the alphabet"""
    context: int
    """most places that are seen at once"""
    shape: Shape

    def setup(self):
        begin = gaussian(DEVIATION)
        self.embedding = self.param("embedding", begin, (self.symbols, self.shape.width), jnp.float32)
        self.positions = self.param("positions", begin, (self.context, self.shape.width), jnp.float32)
        self.blocks = [Block(self.shape) for _ in range(self.shape.depth)]
        self.norm = LayerNorm(self.shape.bias)
        self.dropout = Dropout(self.shape.dropout)

    def __call__(self, text: Int[Array, "*batch places"]) -> Float[Array, "*batch places symbols"]:
        """The logits of the symbol after each place; ``ValueError`` where there are more places than the context."""
        if text.shape[-1] > self.context:
            raise ValueError(f"{text.shape[-1]} symbols are longer than the context of {self.context}")
        places = jnp.arange(text.shape[-1])
        mask = causal_mask(places, places)
        features = self.dropout(self.embedding[text] + self.positions[: text.shape[-1]])
        for block in self.blocks:
            features = block(features, mask)
        return self._logits(features)

    def extend(
        self, text: Int[Array, "*batch places"], memory: tuple[Memory, ...], start: Int[Array, ""]
    ) -> tuple[Float[Array, "*batch places symbols"], tuple[Memory, ...]]:
        """The logits after places ``start``, ``start + 1``, … of a text of which the memory holds all before.

        The memory comes back with these places in it; ``start`` + places must not exceed the context, which nothing
        here can check.
        """
        positions = jax.lax.dynamic_slice_in_dim(self.positions, start, text.shape[-1])
        features = self.embedding[text] + positions
        extended = []
        for block, of_block in zip(self.blocks, memory, strict=True):
            features, of_block = block.extend(features, of_block, start)
            extended.append(of_block)
        return self._logits(features), tuple(extended)

    def empty_memory(self, *batch: int) -> tuple[Memory, ...]:
        """A memory of nothing, with room for a context."""
        return empty_memory(self.shape, *batch, places=self.context, dtype=self.embedding.dtype)

    def _logits(self, features: Float[Array, "*batch places width"]) -> Float[Array, "*batch places symbols"]:
        return flat_product(self.norm(features), self.embedding.T)
