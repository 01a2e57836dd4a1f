"""The memoryless model of a sequence: the next symbol from the last few, which each have their own embedding."""

from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from models.mlp import MLP


class FixedWindow(nn.Module):
    """The last ``context`` symbols → their embeddings side by side → dense layers → a logit for each symbol.

        logits(s_{t+1}) = MLP([e(s_{t−k+1}), …, e(s_t)]),   k = context

    The same weights at every place. Bengio et al. 2003, "A neural probabilistic language model". Lecture 003.
    """

    symbols: int
    """size of the alphabet"""
    context: int
    """symbols that are looked at"""
    embedding: int
    """numbers that stand for a symbol"""
    widths: Sequence[int]
    """hidden units"""

    @nn.compact
    def __call__(self, sequence: Int[Array, "*batch places"]) -> Float[Array, "*batch predicted symbols"]:
        """Logits of the symbol after each place that has a whole context: ``places − context + 1`` of them."""
        places = sequence.shape[-1]
        if places < self.context:
            raise ValueError(f"{places} symbols are shorter than the context of {self.context}")
        embedded = nn.Embed(self.symbols, self.embedding)(sequence)
        predicted = places - self.context + 1
        window = [embedded[..., start : start + predicted, :] for start in range(self.context)]
        hidden = MLP(self.widths, "relu")(jnp.concatenate(window, axis=-1))
        return nn.Dense(self.symbols, kernel_init=nn.initializers.zeros)(hidden)
