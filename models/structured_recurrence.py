"""Recurrent networks on grids and on trees. Graves et al. 2007; Tai et al. 2015. Lecture 000, "Topologies"."""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from models.layers.recurrent_topologies import averaged, child_sum_lstm, graph, grid
from models.recurrent_net import KINDS, CellWeights


def _zero_state(cell: str, *shape: int) -> tuple[Float[Array, "..."], ...]:
    return tuple(jnp.zeros(shape) for _ in range(KINDS[cell].states))


class GridNet(nn.Module):
    """Numbers on a grid → a cell that sees all above and to the left → a logit at each place.

    The cell continues from the mean of the states above and to the left. Inputs are [batch, rows, columns, features].
    """

    cell: str = "gru"
    units: int = 16

    @nn.compact
    def __call__(self, inputs: Float[Array, "batch rows columns features"]) -> Float[Array, "batch rows columns"]:
        weights = CellWeights(self.cell, self.units, name="weights")(inputs.shape[-1])
        state = _zero_state(self.cell, inputs.shape[0], self.units)
        hidden = grid(averaged(KINDS[self.cell].cell), weights, state, jnp.moveaxis(inputs, 0, 2))
        return nn.Dense(1, name="readout")(jnp.moveaxis(hidden, 2, 0))[..., 0]


class TreeNet(nn.Module):
    """Kinds of nodes, and their children → one logit at each node, from the node and all below it.

    ``form`` "tree": a child-sum LSTM. "line": an LSTM through the nodes in their order, which does not see who is
    whose child. Kinds are [batch, nodes], children [batch, nodes, most], −1 for none, and come before their parents.
    """

    kinds: int
    units: int = 32
    form: Literal["tree", "line"] = "tree"

    @nn.compact
    def __call__(
        self, kinds: Int[Array, "batch nodes"], children: Int[Array, "batch nodes most"]
    ) -> Float[Array, "batch nodes"]:
        embedded = nn.Embed(self.kinds, self.units, name="embedding")(kinds)
        weights = CellWeights("lstm", self.units, name="weights")(self.units)
        if self.form == "line":
            before = jnp.arange(-1, kinds.shape[1] - 1, dtype=children.dtype)
            children = jnp.broadcast_to(before[:, None], (*kinds.shape, 1))
        state = _zero_state("lstm", self.units)
        hidden = jax.vmap(lambda *given: graph(child_sum_lstm, weights, state, *given))(embedded, children)
        return nn.Dense(1, name="readout")(hidden)[..., 0]
