"""Translations of test pairs, and where their symbols look."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, Shaped

from experiments.datasets import Dataset
from experiments.objectives.sequence_to_sequence import symbol_before, translator
from experiments.plots.attention_maps import AttentionMap
from models.feature_maps import SHOWN
from train.task import Params


def translations(model: nn.Module, dataset: Dataset, params: Params, *, count: int) -> list[AttentionMap]:
    """The attention of the first test pairs, from what the network writes to the source."""
    pairs = dataset.head("test", count)
    source = jnp.asarray(pairs["source"], jnp.int32)
    written = jax.jit(translator(model), static_argnums=2)(params, source, pairs["target"].shape[1])
    weights = mean_weights(model, params, source, symbol_before(written))
    return attention_of_pairs(dataset, source, written, weights)


def mean_weights(
    model: nn.Module, params: Params, *inputs: Shaped[Array | np.ndarray, "batch ..."], name: str = "weights"
) -> Float[np.ndarray, "batch places source_places"]:
    """The mean of all attention that the network shows under this name, [batch, (heads,) places, source places]."""
    _, state = jax.jit(lambda *given: model.apply(*given, mutable=[SHOWN]))(params, *inputs)
    shown = [leaf for path, leaf in jax.tree.leaves_with_path(state[SHOWN]) if path[-1].key == name]
    return np.mean([leaf if leaf.ndim == 3 else leaf.mean(axis=1) for leaf in shown], axis=0)


def attention_of_pairs(
    dataset: Dataset,
    sources: Int[Array, "batch source_places"],
    written: Int[Array, "batch places"],
    weights: Float[np.ndarray, "batch places source_places"],
) -> list[AttentionMap]:
    """A map of each pair, with its symbols at the sides."""

    def map_of(pair: int) -> AttentionMap:
        rows, columns = ([dataset.symbols[number] for number in np.asarray(text[pair])] for text in (written, sources))
        length = sum(symbol != "" for symbol in columns)
        title = f"{''.join(columns)} → {''.join(rows)}"
        return AttentionMap(title, rows, columns[:length], weights[pair, :, :length])

    return [map_of(pair) for pair in range(len(sources))]
