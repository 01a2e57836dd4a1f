"""Recurrent networks for pairs of sequences: one reads the source, another writes the target.

Cho et al. 2014; Sutskever et al. 2014; Bahdanau et al. 2015. Lecture 000, "Encoder-decoder architecture" and
"Attention". Symbol 0 stands for nothing, as in ``models.encoder_decoder``.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from models.feature_maps import show
from models.layers.attention import additive_scores, attention_weights, dot_product_scores, projected_scores
from models.layers.initializers import GLOROT_UNIFORM, gaussian
from models.layers.recurrence import Cell, bidirectional, recur
from models.layers.recurrent_cells import gru_step
from models.recurrent_net import CellWeights

Score = Literal["none", "dot", "scaled", "additive", "additive_single", "projected"]
SCORES: dict[str, Callable[..., Float[Array, "queries keys"]]] = {
    "dot": dot_product_scores,
    "scaled": lambda queries, keys: dot_product_scores(queries, keys) / keys.shape[-1] ** 0.5,
    "additive": additive_scores,
    "additive_single": lambda *given: additive_scores(*given, jnp.ones(1, given[-1].dtype)),
    "projected": projected_scores,
}
"""How well a key answers a query, by name; the last three are given matrices that are learnt. "additive_single" has one
hidden unit and no weight behind it, as Lecture 003 writes it: scores are within ±1, so that no weight is more than e²
times another.
"""


class Writing(NamedTuple):
    """What the decoder holds while it writes a target."""

    hidden: Float[Array, "batch units"]
    encoded: Float[Array, "batch source_places units"]
    present: Bool[Array, "batch source_places"]
    context: Float[Array, "batch units"]
    """what the last symbol was written from, besides the symbol before it"""
    weights: Float[Array, "batch source_places"]
    """of the last symbol's attention; 0 where there is none"""


class RecurrentEncoderDecoder(nn.Module):
    """Source and target → logits of the target's symbols, by gated recurrent units.

        h_j        of the source, from both sides, projected to the decoder's width
        c          tanh of a map of both ends: h'_0, and with the score "none" the context of every symbol
        c_i        Σ_j α_ij h_j,   α_i = softmax_j s(h'_{i−1}, h_j)
        h'_i       f(h'_{i−1}, [e(y_{i−1}), c_i]),   logits = W [h'_i, c_i]

    Cho et al. 2014, equation 8, have the fixed context; Bahdanau et al. 2015, section 3, that of each symbol, with the
    score "additive". Lecture 000, "Decoder" and "Attention", where the score is "dot".
    """

    symbols: int
    units: int
    score: Score = "additive"

    def setup(self):
        units = self.units
        self.table = self.param("table", gaussian(1.0), (self.symbols, units), jnp.float32)
        self.forward, self.backward, self.decoder = (CellWeights("gru", units) for _ in range(3))
        self.source, self.ends = nn.Dense(units), nn.Dense(units)
        self.readout = self.param("readout", GLOROT_UNIFORM, (2 * units, self.symbols), jnp.float32)
        self.readout_bias = self.param("readout_bias", nn.initializers.zeros, (self.symbols,), jnp.float32)
        width = {"additive": units, "additive_single": 1, "projected": units}.get(self.score)
        names = ("query", "key") if width else ()
        self.matrices = [self.param(name, GLOROT_UNIFORM, (units, width), jnp.float32) for name in names]
        if self.score == "additive":
            small = gaussian(units**-0.5)
            self.combination = self.param("combination", small, (units,), jnp.float32)

    def __call__(
        self, source: Int[Array, "batch source_places"], before: Int[Array, "batch places"]
    ) -> Float[Array, "batch places symbols"]:
        """``before`` holds at each place the symbol before the one that is predicted there.

        The attention [batch, places, source places] is shown as "weights".
        """

        def write(state: Writing, before: Array) -> tuple[Writing, tuple[Array, Array]]:
            state, logits = step(state, before)
            return state, (logits, state.weights)

        step = self._writer()
        _, (logits, weights) = jax.lax.scan(write, self.begin(source, before.shape[1]), before.T)
        show(self, weights.swapaxes(0, 1), "weights")
        return logits.swapaxes(0, 1)

    def begin(self, source: Int[Array, "batch source_places"], places: int) -> Writing:
        """Before the first symbol of a target; of any number of ``places``."""
        del places
        present = source != 0
        layer = partial(recur, Cell(gru_step))
        zero = (jnp.zeros((len(source), self.units), self.table.dtype),)
        weights = self.forward(self.units), self.backward(self.units)
        run = bidirectional(layer, layer)
        ends, outputs = run(weights, (zero, zero), self.table[source].swapaxes(0, 1), present.sum(axis=1))
        context = jnp.tanh(self.ends(jnp.concatenate([ends[0][0], ends[1][0]], axis=-1)))
        encoded = self.source(outputs.swapaxes(0, 1))
        return Writing(context, encoded, present, context, jnp.zeros(source.shape, context.dtype))

    def step(self, state: Writing, before: Int[Array, " batch"]) -> tuple[Writing, Float[Array, "batch symbols"]]:
        """The logits after one more symbol."""
        return self._writer()(state, before)

    def _writer(self) -> Callable[[Writing, Array], tuple[Writing, Array]]:
        """``step`` as a function of arrays alone, which a loop may call."""
        table, cell, readout, bias = self.table, self.decoder(2 * self.units), self.readout, self.readout_bias
        attend = self._attention()

        def write(state: Writing, before: Array) -> tuple[Writing, Array]:
            state = attend(state)
            inputs = jnp.concatenate([table[before], state.context], axis=-1)
            (hidden,), _ = gru_step(cell, (state.hidden,), inputs @ cell.inputs + cell.bias)
            logits = jnp.concatenate([hidden, state.context], axis=-1) @ readout + bias
            return state._replace(hidden=hidden), logits

        return write

    def _attention(self) -> Callable[[Writing], Writing]:
        """What gives a symbol its context and the weights of it."""
        if self.score == "none":
            return lambda state: state
        learnt = [*self.matrices, *([self.combination] if self.score == "additive" else [])]
        score = SCORES[self.score]

        def attend(state: Writing) -> Writing:
            scores = jax.vmap(lambda query, keys: score(query[None], keys, *learnt))(state.hidden, state.encoded)
            weights = attention_weights(scores, state.present[:, None])
            return state._replace(context=(weights @ state.encoded)[:, 0], weights=weights[:, 0])

        return attend
