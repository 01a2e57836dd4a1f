"""Translations of test pairs, and where their symbols look."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from experiments.datasets import Dataset
from experiments.objectives.sequence_to_sequence import symbol_before, translator
from experiments.plots.attention_maps import AttentionMap
from models.feature_maps import SHOWN
from train.task import Params


def translations(model: nn.Module, dataset: Dataset, params: Params, *, count: int) -> list[AttentionMap]:
    """The attention of the first test pairs, from what the network writes to the source.

    It is the mean of all weights that the network shows under "weights", [batch, (heads,) places, source places].
    """
    pairs = dataset.head("test", count)
    source = jnp.asarray(pairs["source"], jnp.int32)
    written = jax.jit(translator(model), static_argnums=2)(params, source, pairs["target"].shape[1])
    _, state = jax.jit(lambda *given: model.apply(*given, mutable=[SHOWN]))(params, source, symbol_before(written))
    shown = [leaf if leaf.ndim == 3 else leaf.mean(axis=1) for leaf in jax.tree.leaves(state[SHOWN])]
    weights = np.mean(shown, axis=0)

    def map_of(pair: int) -> AttentionMap:
        rows, columns = ([dataset.symbols[number] for number in text[pair]] for text in (np.asarray(written), source))
        length = sum(symbol != "" for symbol in columns)
        title = f"{''.join(columns)} → {''.join(rows)}"
        return AttentionMap(title, rows, columns[:length], weights[pair, :, :length])

    return [map_of(pair) for pair in range(len(source))]
