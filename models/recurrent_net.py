"""Recurrent networks: a chosen cell along sequences, in layers and in both directions, and what is read from it."""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key

from models.dropout import Dropout
from models.layers.fast_lstm import lstm_recur
from models.layers.initializers import GLOROT_UNIFORM, gaussian
from models.layers.random_arrays import normal
from models.layers.recurrence import Cell, Recurrence, State, bidirectional, recur
from models.layers.recurrent_cells import RecurrentWeights, elman_step, gru_step, lstm_step, mgu_step


class Kind(NamedTuple):
    """A cell, how it runs along a sequence, and how large its weights and its state are."""

    cell: Cell
    blocks: int
    states: int = 1
    seeing: int = 0
    """gates that see the memory"""
    forgets: bool = False
    """whether its second block is a forget gate, whose bias begins at 1"""
    identity: bool = False
    """whether its recurrent matrix begins as the identity"""
    fast: Recurrence | None = None
    """the same recurrence by hand"""

    @property
    def recurrence(self) -> Recurrence:
        """The cell along a sequence."""
        return self.fast or partial(recur, self.cell)


KINDS: dict[str, Kind] = {
    "rnn": Kind(Cell(elman_step), 1),
    "irnn": Kind(Cell(partial(elman_step, activation="relu")), 1, identity=True),
    "lstm": Kind(Cell(lstm_step), 4, states=2, forgets=True, fast=lstm_recur),
    "lstm_without_forget_gate": Kind(Cell(partial(lstm_step, forget_gate=False)), 3, states=2),
    "lstm_with_peepholes": Kind(Cell(partial(lstm_step, peepholes="all")), 4, states=2, seeing=3, forgets=True),
    "gru": Kind(Cell(gru_step), 3),
    "mgu": Kind(Cell(mgu_step), 2),
}
"""By name. The irnn's activation is the rectifier, and its recurrent matrix begins as the identity: Le et al. 2015."""


class CellWeights(nn.Module):
    """The parameters of one cell.

    W begins uniform as in Glorot & Bengio 2010, U orthogonal in each block, biases at 0, but a forget gate's at 1
    (Jozefowicz et al. 2015); of an IRNN U begins as the identity, W at N(0, 0.001²) (Le et al. 2015).
    """

    kind: str
    units: int

    @nn.compact
    def __call__(self, features: int) -> RecurrentWeights:
        kind, units = KINDS[self.kind], self.units
        width = kind.blocks * units

        def recurrent(key, shape):
            return jnp.eye(units, dtype=jnp.float32) if kind.identity else _orthogonal_blocks(key, shape)

        def bias(key, shape):
            return jnp.zeros(shape, jnp.float32).at[units : 2 * units].set(1.0 if kind.forgets else 0.0)

        inputs = gaussian(0.001) if kind.identity else GLOROT_UNIFORM
        seeing = (units, kind.seeing * units)
        return RecurrentWeights(
            self.param("inputs", inputs, (features, width), jnp.float32),
            self.param("recurrent", recurrent, (units, width)),
            self.param("bias", bias, (width,)),
            self.param("peephole", GLOROT_UNIFORM, seeing, jnp.float32) if kind.seeing else None,
        )


class RecurrentNet(nn.Module):
    """Sequences → layers of a recurrent cell → one output a sequence, or one at each place.

    Inputs are numbers [batch, places, features], or with ``symbols`` the numbers of symbols [batch, places], which are
    then embedded. The output is a linear map of the last layer: at the end of a sequence (``read`` "last"; where both
    directions are read, at both ends), or at each place. ``initial`` is the state in which a layer begins: zero,
    learned, or sampled from N(0, 1) with a key a sequence, and without keys its mean (Lecture 003, section 5.2).

    In training ``dropout`` of what a layer gives to the next and to the output is dropped, and nothing between one
    place and the next: Zaremba et al. 2014, section 3.
    """

    outputs: int
    cell: str = "lstm"
    units: int = 64
    layers: int = 1
    both_ways: bool = False
    read: Literal["last", "every"] = "last"
    symbols: int = 0
    initial: Literal["zero", "learned", "sampled"] = "zero"
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self,
        inputs: Float[Array, "batch places features"] | Int[Array, "batch places"],
        lengths: Int[Array, " batch"] | None = None,
        state: State | None = None,
        initial_keys: Key[Array, " batch"] | None = None,
    ) -> dict[str, Array | State]:
        """``outputs``; ``hidden`` [batch, places, units] of the last layer; and the ``state`` at the end."""
        if self.symbols:
            inputs = nn.Embed(self.symbols, self.units, name="embedding")(inputs)
        begun = self._begin(inputs, initial_keys) if state is None else state
        hidden, ended = inputs, []
        for layer in range(self.layers):
            after, hidden = self._layer(layer, begun[layer], hidden, lengths)
            hidden = Dropout(self.dropout)(hidden)
            ended.append(after)
        read = hidden if self.read == "every" else Dropout(self.dropout)(self._last(ended[-1]))
        return {"outputs": self._read(read), "hidden": hidden, "state": tuple(ended)}

    def _layer(self, number: int, state: State, inputs: Array, lengths: Array | None) -> tuple[State, Array]:
        recurrence, weights = KINDS[self.cell].recurrence, self._weights(f"layer_{number}", inputs)
        if self.both_ways:
            recurrence = bidirectional(recurrence, recurrence)
            weights = (weights, self._weights(f"layer_{number}_back", inputs))
        after, outputs = recurrence(weights, state, inputs.swapaxes(0, 1), lengths)
        return after, outputs.swapaxes(0, 1)

    def _weights(self, name: str, inputs: Array) -> RecurrentWeights:
        return CellWeights(self.cell, self.units, name=name)(inputs.shape[-1])

    def _last(self, state: State) -> Float[Array, "batch features"]:
        return jnp.concatenate([each[0] for each in state], axis=-1) if self.both_ways else state[0]

    def _read(self, hidden: Float[Array, "*batch features"]) -> Float[Array, "*batch outputs"]:
        """Not a Dense layer: ``with_dropout`` would take it for the first with weights."""
        width = hidden.shape[-1]
        kernel = self.param("readout", GLOROT_UNIFORM, (width, self.outputs), jnp.float32)
        bias = self.param("readout_bias", nn.initializers.zeros, (self.outputs,), jnp.float32)
        flat = hidden.reshape(-1, width) @ kernel + bias
        return flat.reshape(*hidden.shape[:-1], self.outputs)

    def _begin(self, inputs: Array, keys: Key[Array, " batch"] | None) -> tuple[State, ...]:
        """The states of all layers, with one entry a direction where there are two."""
        batch, ways = inputs.shape[0], 2 if self.both_ways else 1
        shape = (self.layers, ways, KINDS[self.cell].states, self.units)
        if self.initial == "learned":
            of_each = jnp.broadcast_to(
                self.param("initial", nn.initializers.zeros, shape, jnp.float32), (batch, *shape)
            )
        elif self.initial == "sampled" and keys is not None:
            of_each = jax.vmap(lambda key: normal(key, shape, inputs.dtype))(keys)
        else:
            of_each = jnp.zeros((batch, *shape), inputs.dtype)
        layers = jnp.moveaxis(of_each, 0, 3)
        begun = tuple(tuple(tuple(way) for way in layer) for layer in layers)
        return begun if self.both_ways else tuple(way for (way,) in begun)


def _orthogonal_blocks(key: Key[Array, ""], shape: tuple[int, int]) -> Float[Array, "..."]:
    """An orthogonal matrix in each block of [units, blocks · units]. Saxe et al. 2014."""
    keys = jax.random.split(key, shape[1] // shape[0])
    blocks = [nn.initializers.orthogonal()(each, (shape[0], shape[0]), jnp.float32) for each in keys]
    return jnp.concatenate(blocks, axis=1)
