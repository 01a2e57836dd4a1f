"""Recurrent networks for pairs of sequences, where all that the writer knows of the source is the reader's last state.

Sutskever et al. 2014; Cho et al. 2014. Lecture 000, "Encoder-decoder architecture". Symbol 0 stands for nothing, as in
``models.encoder_decoder``.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from models.layers.initializers import GLOROT_UNIFORM
from models.layers.recurrence import State
from models.recurrent_net import KINDS, CellWeights

Handed = Literal["state", "input"]


class Writing(NamedTuple):
    """What the decoder holds while it writes a target."""

    state: State
    code: Float[Array, "batch units"]
    """the source in one vector"""


class LastStateEncoderDecoder(nn.Module):
    """Source and target → logits of the target's symbols, through one vector, or state, for the whole source.

        h, s  = the encoder's last output and state
        handed "state":  s'_0 = s,   s'_t, h'_t = f(s'_{t−1}, y_{t−1})        Sutskever et al. 2014, section 2
        handed "input":  s'_0 = 0,   s'_t, h'_t = f(s'_{t−1}, h)              Chollet et al. 2015, "addition"
        logits_t = W h'_t + b

    With "input" the decoder is not told which symbols stand before. Symbols are read as one-hot vectors.
    """

    symbols: int
    units: int
    cell: str = "lstm"
    handed: Handed = "state"

    def setup(self):
        self.encoder, self.decoder = (CellWeights(self.cell, self.units) for _ in range(2))
        readout = GLOROT_UNIFORM
        self.readout = self.param("readout", readout, (self.units, self.symbols), jnp.float32)
        self.readout_bias = self.param("readout_bias", nn.initializers.zeros, (self.symbols,), jnp.float32)

    def __call__(
        self, source: Int[Array, "batch source_places"], before: Int[Array, "batch places"]
    ) -> Float[Array, "batch places symbols"]:
        """``before`` holds at each place the symbol before the one that is predicted there."""
        writing = self.begin(source, before.shape[1])
        weights, inputs = self._decoder(), self._read(before, writing.code)
        _, outputs = KINDS[self.cell].recurrence(weights, writing.state, inputs.swapaxes(0, 1))
        return self._logits(outputs.swapaxes(0, 1))

    def begin(self, source: Int[Array, "batch source_places"], places: int) -> Writing:
        """Before the first symbol of a target; of any number of ``places``."""
        del places
        kind, weights = KINDS[self.cell], self.encoder(self.symbols)
        zero = (jnp.zeros((len(source), self.units), weights.bias.dtype),) * kind.states
        lengths = (source != 0).sum(axis=1)
        ended, _ = kind.recurrence(weights, zero, self._one_hot(source).swapaxes(0, 1), lengths)
        return Writing(ended if self.handed == "state" else zero, ended[0])

    def step(self, writing: Writing, before: Int[Array, " batch"]) -> tuple[Writing, Float[Array, "batch symbols"]]:
        """The logits after one more symbol."""
        cell, weights = KINDS[self.cell].cell, self._decoder()
        inputs = self._read(before[:, None], writing.code)[:, 0]
        state, output = cell.step(weights, writing.state, cell.project(weights, inputs))
        return writing._replace(state=state), self._logits(output)

    def _decoder(self):
        return self.decoder(self.symbols if self.handed == "state" else self.units)

    def _read(self, before: Int[Array, "batch places"], code: Array) -> Float[Array, "batch places features"]:
        """What the decoder is given at each place."""
        if self.handed == "state":
            return self._one_hot(before)
        return jnp.broadcast_to(code[:, None], (*before.shape, self.units))

    def _one_hot(self, symbols: Int[Array, "batch places"]) -> Float[Array, "batch places symbols"]:
        return jax.nn.one_hot(symbols, self.symbols, dtype=self.readout.dtype)

    def _logits(self, outputs: Float[Array, "*places units"]) -> Float[Array, "*places symbols"]:
        return outputs @ self.readout + self.readout_bias
