"""The blocks of a transformer, which its three forms share: attention to itself, to another sequence, and a layer.

Vaswani et al. 2017. Lecture 003, section 5.3; Lecture 000, "Transformer: encoder" and "Transformer: decoder".
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from models.dropout import Dropout
from models.feature_maps import show
from models.layers.attention import attention_weights, causal_mask, mix_values, scaled_dot_product_scores
from models.layers.dense import flat_product
from models.layers.initializers import gaussian
from models.layers.normalize import layer_normalize

DEVIATION = 0.02
"""Of the normal numbers that kernels and embeddings begin with, as in GPT-2 (Radford et al. 2019)."""
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "tanh_gelu": partial(jax.nn.gelu, approximate=True),
}
"""``gelu`` is x Φ(x); ``tanh_gelu`` approximates it to 5e-4 and is what JAX means by gelu (Hendrycks & Gimpel 2016)."""


class Memory(NamedTuple):
    """Keys and values of what a layer has read, place by place, so that they are computed once."""

    keys: Float[Array, "*batch places heads size"]
    values: Float[Array, "*batch places heads size"]


class Shape(NamedTuple):
    """What all blocks of a transformer have in common."""

    depth: int
    """blocks"""
    heads: int
    """heads of each attention"""
    width: int
    """numbers that stand for a token"""
    hidden: int
    """units of the layer inside of a block"""
    activation: str = "gelu"
    """of these units"""
    bias: bool = True
    """whether dense layers and normalisations have biases"""
    dropout: float = 0.0
    """share that is dropped of the embedding, of attention weights and of what a residual branch adds"""
    norm: str = "before"
    """before: each branch sees normalised features (Xiong et al. 2020); after: their sum is normalised, as in 2017"""


class LayerNorm(nn.Module):
    """Layer normalisation over the features of a token, with or without a bias. Ba et al. 2016."""

    bias: bool = True

    @nn.compact
    def __call__(self, features: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        width = features.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, width, jnp.float32)
        if not self.bias:
            return layer_normalize(features, scale, jnp.zeros_like(scale))
        return layer_normalize(features, scale, self.param("bias", nn.initializers.zeros, width, jnp.float32))


def dense(features: int, shape: Shape, *, ends_branch: bool = False) -> nn.Dense:
    """A dense layer at every place. One that ends a residual branch begins smaller, by √(2 · depth): so many are added
    up.
    """
    deviation = DEVIATION / (2 * shape.depth) ** 0.5 if ends_branch else DEVIATION
    kernel_init = gaussian(deviation)
    return nn.Dense(features, use_bias=shape.bias, kernel_init=kernel_init, dot_general=flat_product)


class SelfAttention(nn.Module):
    """Attention of several heads from a sequence to itself: queries, keys and values are three maps of its tokens.

    Its weights [*batch, heads, places, places] are shown as "self_weights".
    """

    shape: Shape

    def setup(self):
        self.query_key_value = dense(3 * self.shape.width, self.shape)
        self.output = dense(self.shape.width, self.shape, ends_branch=True)
        self.dropout = Dropout(self.shape.dropout)

    def __call__(
        self, features: Float[Array, "*batch places width"], mask: Bool[Array, "#*batch #places places"] | None
    ) -> Float[Array, "*batch places width"]:
        """What the places attend to, as far as the mask shows it."""

        def shown(weights: Array) -> Array:
            return self.dropout(show(self, weights, "self_weights"))

        return self.output(_mixed(*self._projected(features), mask, shown))

    def extend(
        self, features: Float[Array, "*batch places width"], memory: Memory, start: Int[Array, ""]
    ) -> tuple[Float[Array, "*batch places width"], Memory]:
        """The same for places ``start``, ``start + 1``, … of a sequence whose earlier places the memory holds; each
        sees all that is not after it.

        The memory comes back with these places in it. Places must fit into it: nothing here can check that.
        """
        queries, *new = self._projected(features)
        axis = features.ndim - 2
        pairs = zip(memory, new, strict=True)
        memory = Memory(*(jax.lax.dynamic_update_slice_in_dim(old, part, start, axis) for old, part in pairs))
        places = start + jnp.arange(features.shape[-2], dtype=start.dtype)
        seen = causal_mask(places, jnp.arange(memory.keys.shape[-3], dtype=start.dtype))
        return self.output(_mixed(queries, *memory, seen, self.dropout)), memory

    def _projected(self, features: Float[Array, "*batch places width"]) -> list[Array]:
        parts = jnp.split(self.query_key_value(features), 3, axis=-1)
        return [_divided(part, self.shape.heads) for part in parts]


class CrossAttention(nn.Module):
    """Attention of several heads from one sequence to another, the source, which gives keys and values.

    Its weights [*batch, heads, places, source places] are shown as "weights".
    """

    shape: Shape

    @nn.compact
    def __call__(
        self,
        features: Float[Array, "*batch places width"],
        source: Float[Array, "*batch source_places width"],
        mask: Bool[Array, "#*batch #places source_places"] | None,
    ) -> Float[Array, "*batch places width"]:
        queries = dense(self.shape.width, self.shape)(features)
        keys, values = jnp.split(dense(2 * self.shape.width, self.shape)(source), 2, axis=-1)
        queries, keys, values = (_divided(part, self.shape.heads) for part in (queries, keys, values))
        drop = Dropout(self.shape.dropout)
        attended = _mixed(queries, keys, values, mask, lambda weights: drop(show(self, weights, "weights")))
        return dense(self.shape.width, self.shape, ends_branch=True)(attended)


def _divided(features: Float[Array, "*batch width"], heads: int) -> Float[Array, "*batch heads size"]:
    """The features of each head."""
    return features.reshape(*features.shape[:-1], heads, -1)


def _mixed(
    queries: Float[Array, "*batch places heads size"],
    keys: Float[Array, "*batch seen heads size"],
    values: Float[Array, "*batch seen heads size"],
    mask: Bool[Array, "#*batch #places seen"] | None,
    drop: Callable[[Array], Array],
) -> Float[Array, "*batch places width"]:
    """The heads' means of their values side by side, where ``drop`` is done to the weights."""
    of_heads = None if mask is None else jnp.expand_dims(mask, -3)
    weights = attention_weights(scaled_dot_product_scores(queries, keys), of_heads)
    means = mix_values(drop(weights), values)
    return means.reshape(*means.shape[:-2], -1)


class FeedForward(nn.Module):
    """Two dense layers at every place:  W₂ᵀ a(W₁ᵀ x).  Vaswani et al. 2017, section 3.3."""

    shape: Shape

    @nn.compact
    def __call__(self, features: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        hidden = ACTIVATIONS[self.shape.activation](dense(self.shape.hidden, self.shape)(features))
        return dense(self.shape.width, self.shape, ends_branch=True)(hidden)


class Block(nn.Module):
    """Residual branches in turn: attention to itself, to a source where there is one, and the layer at every place.

    x ← x + branch(norm(x))        norm "before"
    x ← norm(x + branch(x))        norm "after"

    """

    shape: Shape
    cross: bool = False
    """whether there is a source"""

    def setup(self):
        self.attention = SelfAttention(self.shape)
        self.feed_forward = FeedForward(self.shape)
        if self.cross:
            self.cross_attention = CrossAttention(self.shape)
        self.norms = [LayerNorm(self.shape.bias) for _ in range(3 if self.cross else 2)]
        self.dropout = Dropout(self.shape.dropout)

    def __call__(
        self,
        features: Float[Array, "*batch places width"],
        mask: Bool[Array, "#*batch #places places"] | None = None,
        source: Float[Array, "*batch source_places width"] | None = None,
        source_mask: Bool[Array, "#*batch #places source_places"] | None = None,
    ) -> Float[Array, "*batch places width"]:
        """The tokens after this block."""
        attended = self.attention(self._seen(0, features), mask)
        return self._after_attention(self._add(0, features, attended), source, source_mask)

    def extend(
        self,
        features: Float[Array, "*batch places width"],
        memory: Memory,
        start: Int[Array, ""],
        source: Float[Array, "*batch source_places width"] | None = None,
        source_mask: Bool[Array, "#*batch #places source_places"] | None = None,
    ) -> tuple[Float[Array, "*batch places width"], Memory]:
        """The same for the next places of a sequence that the memory holds, causally; and the memory with them."""
        attended, memory = self.attention.extend(self._seen(0, features), memory, start)
        return self._after_attention(self._add(0, features, attended), source, source_mask), memory

    def _after_attention(self, features: Array, source: Array | None, source_mask: Array | None) -> Array:
        if self.cross:
            attended = self.cross_attention(self._seen(1, features), source, source_mask)
            features = self._add(1, features, attended)
        return self._add(-1, features, self.feed_forward(self._seen(-1, features)))

    def _seen(self, branch: int, features: Array) -> Array:
        return self.norms[branch](features) if self.shape.norm == "before" else features

    def _add(self, branch: int, features: Array, added: Array) -> Array:
        total = features + self.dropout(added)
        return total if self.shape.norm == "before" else self.norms[branch](total)


def empty_memory(shape: Shape, *batch: int, places: int, dtype: jnp.dtype) -> tuple[Memory, ...]:
    """For each block a memory with room for so many places."""
    zeros = jnp.zeros((*batch, places, shape.heads, shape.width // shape.heads), dtype)
    return (Memory(zeros, zeros),) * shape.depth
