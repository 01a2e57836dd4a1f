"""Recurrent cells: the state after the next place of a sequence, from the state before it and what stands there.

    s_t, y_t = step(weights, s_{t−1}, x_t W + b)

A cell is given the product of its input, ``projected``, which whoever runs it makes for all places at once. Gates and
candidates lie side by side in blocks of the width of the state: [units, blocks · units] are the matrices of all of
them. A state is a tuple whose first entry is the output. Lectures 000 and 001, "Recurrent neural networks"; Lecture
003, section 5.2.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Activation = Literal["tanh", "relu", "logistic"]
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "logistic": jax.nn.sigmoid,
}
Peepholes = Literal["none", "all", "input_and_forget"]
SEEING = {"none": (), "all": ("input", "forget", "output"), "input_and_forget": ("input", "forget")}
"""The gates that see the memory, in the order of their blocks."""
Update = Literal["keeps", "replaces"]
Reset = Literal["before", "after"]


class RecurrentWeights(NamedTuple):
    """What a cell learns."""

    inputs: Float[Array, "features blocks_units"]
    """W, of the input"""
    recurrent: Float[Array, "units blocks_units"]
    """U, of the hidden state"""
    bias: Float[Array, " blocks_units"]
    """b"""
    peephole: Float[Array, "units seeing_units"] | None = None
    """P, of an LSTM's memory, for the gates that see it; Gers et al.'s are diagonal"""
    candidate_bias: Float[Array, " units"] | None = None
    """b_U, inside of the product that a gated unit resets"""


Hidden = tuple[Float[Array, "*batch units"]]
"""The state of all cells but the LSTM."""
HiddenAndMemory = tuple[Float[Array, "*batch units"], Float[Array, "*batch units"]]
"""The state of an LSTM: h and c."""


def elman_step(
    weights: RecurrentWeights,
    state: Hidden,
    projected: Float[Array, "*batch units"],
    *,
    activation: Activation = "tanh",
) -> tuple[Hidden, Float[Array, "*batch units"]]:
    """The plain recurrent network.

        h_t = φ(x_t W + h_{t−1} U + b)

    Elman 1990. Lecture 000 and 001, "Recurrent neural networks".
    """
    (hidden,) = state
    total = _of_width(projected, hidden, 1) + hidden @ weights.recurrent
    hidden = ACTIVATIONS[activation](total)
    return (hidden,), hidden


def lstm_step(
    weights: RecurrentWeights,
    state: HiddenAndMemory,
    projected: Float[Array, "*batch blocks_units"],
    *,
    forget_gate: bool = True,
    peepholes: Peepholes = "none",
) -> tuple[HiddenAndMemory, Float[Array, "*batch units"]]:
    """Long short-term memory: c is added to, and only gates decide by how much.

        i, f, o = σ(x_t W + h_{t−1} U + c_{t−1} P + b)     each with its own block
        c̃ = tanh(x_t W + h_{t−1} U + b)
        c_t = f ⊙ c_{t−1} + i ⊙ c̃,   h_t = o ⊙ tanh(c_t)

    The blocks are i, f, c̃, o, as in PyTorch. Without ``forget_gate`` c_t = c_{t−1} + i ⊙ c̃ and there is no block f:
    the first version of Lectures 000 and 001. ``peepholes`` are "none"; "all", where i, f and o see c_{t−1}, as in
    Lecture 000; or "input_and_forget", where o does not, as in Lecture 001. Lecture 001 keeps the sum beside these
    peepholes, so that its f has no effect: that is ``forget_gate=False`` with "input_and_forget".

    Hochreiter & Schmidhuber 1997 without the gate, Gers et al. 2000 with it, Gers & Schmidhuber 2000 with peepholes,
    whose output gate sees c_t instead.
    """
    hidden, memory = state
    names = ("input", "forget", "candidate", "output") if forget_gate else ("input", "candidate", "output")
    blocks = _split(_of_width(projected, hidden, len(names)) + hidden @ weights.recurrent, names)
    if seeing := [name for name in SEEING[peepholes] if name in names]:
        if weights.peephole is None:
            raise ValueError(f"peepholes={peepholes!r} need weights.peephole, of {len(seeing)} blocks")
        seen = _split(memory @ weights.peephole, seeing)
        blocks |= {name: blocks[name] + seen[name] for name in seeing}
    kept = jax.nn.sigmoid(blocks["forget"]) * memory if forget_gate else memory
    memory = kept + jax.nn.sigmoid(blocks["input"]) * jnp.tanh(blocks["candidate"])
    hidden = jax.nn.sigmoid(blocks["output"]) * jnp.tanh(memory)
    return (hidden, memory), hidden


def gru_step(
    weights: RecurrentWeights,
    state: Hidden,
    projected: Float[Array, "*batch three_units"],
    *,
    update: Update = "keeps",
    reset: Reset = "before",
) -> tuple[Hidden, Float[Array, "*batch units"]]:
    """The gated recurrent unit: a mean of the old state and of a candidate that has forgotten part of it.

        r, z = σ(x_t W + h_{t−1} U + b)                        each with its own block
        h̃ = tanh(x_t W + (r ⊙ h_{t−1}) U + b)                  ``reset`` before the product
        h̃ = tanh(x_t W + r ⊙ (h_{t−1} U + b_U) + b)            after it
        h_t = z ⊙ h_{t−1} + (1 − z) ⊙ h̃                        ``update`` "keeps"
        h_t = (1 − z) ⊙ h_{t−1} + z ⊙ h̃                        "replaces"

    The blocks are r, z, h̃. Cho et al. 2014, equations 5 to 8: keeps, before. Lecture 000 keeps; Lecture 001 replaces,
    and resets before, as Chung et al. 2014. PyTorch and Flax keep, and reset after, where b_U makes a difference.
    """
    (hidden,) = state
    units = hidden.shape[-1]
    projected = _of_width(projected, hidden, 3)
    gates = jax.nn.sigmoid(projected[..., : 2 * units] + hidden @ weights.recurrent[:, : 2 * units])
    opened, updated = gates[..., :units], gates[..., units:]
    candidate = _candidate(weights, hidden, projected[..., 2 * units :], opened, reset)
    hidden = _mean(hidden, candidate, updated, update)
    return (hidden,), hidden


def mgu_step(
    weights: RecurrentWeights,
    state: Hidden,
    projected: Float[Array, "*batch two_units"],
    *,
    update: Update = "replaces",
    reset: Reset = "before",
) -> tuple[Hidden, Float[Array, "*batch units"]]:
    """The minimal gated unit: a gated recurrent unit with one gate f for both of its gates.

        f = σ(x_t W + h_{t−1} U + b)
        h̃ = tanh(x_t W + (f ⊙ h_{t−1}) U + b)
        h_t = (1 − f) ⊙ h_{t−1} + f ⊙ h̃

    The blocks are f, h̃; ``update`` and ``reset`` as of ``gru_step`` with z = r = f. Flax keeps, and resets after. Zhou
    et al. 2016, "Minimal gated unit for recurrent neural networks". Lectures 000 and 001.
    """
    (hidden,) = state
    units = hidden.shape[-1]
    projected = _of_width(projected, hidden, 2)
    gate = jax.nn.sigmoid(projected[..., :units] + hidden @ weights.recurrent[:, :units])
    candidate = _candidate(weights, hidden, projected[..., units:], gate, reset)
    hidden = _mean(hidden, candidate, gate, update)
    return (hidden,), hidden


def child_sum_lstm_step(
    weights: RecurrentWeights,
    hidden: Float[Array, "children *batch units"],
    memory: Float[Array, "children *batch units"],
    projected: Float[Array, "*batch four_units"],
) -> tuple[HiddenAndMemory, Float[Array, "*batch units"]]:
    """An LSTM with several predecessors, each forgotten by a gate of its own; with one it is ``lstm_step``.

        i, c̃, o of Σ_k h_k as there,   f_k = σ(x W + h_k U + b),   c = Σ_k f_k ⊙ c_k + i ⊙ c̃,   h = o ⊙ tanh(c)

    A child that is not there has h_k = c_k = 0. Tai et al. 2015, equations 2 to 8.
    """
    names = ("input", "forget", "candidate", "output")
    units = hidden.shape[-1]
    joined = _split(_of_width(projected, hidden[0], 4) + hidden.sum(axis=0) @ weights.recurrent, names)
    own = slice(units, 2 * units)
    forget = jax.nn.sigmoid(projected[..., own] + hidden @ weights.recurrent[:, own])
    kept = jnp.sum(forget * memory, axis=0)
    total = kept + jax.nn.sigmoid(joined["input"]) * jnp.tanh(joined["candidate"])
    output = jax.nn.sigmoid(joined["output"]) * jnp.tanh(total)
    return (output, total), output


def _of_width(projected: Array, hidden: Array, blocks: int) -> Array:
    if projected.shape[-1] != blocks * hidden.shape[-1]:
        raise ValueError(f"a state of shape {hidden.shape} needs {blocks} blocks of its width, got {projected.shape}")
    return projected


def _split(values: Array, names: Sequence[str]) -> dict[str, Array]:
    return dict(zip(names, jnp.split(values, len(names), axis=-1), strict=True))


def _candidate(weights: RecurrentWeights, hidden: Array, projected: Array, opened: Array, reset: Reset) -> Array:
    own = weights.recurrent[:, -hidden.shape[-1] :]
    if reset == "before":
        return jnp.tanh(projected + (opened * hidden) @ own)
    product = hidden @ own if weights.candidate_bias is None else hidden @ own + weights.candidate_bias
    return jnp.tanh(projected + opened * product)


def _mean(hidden: Array, candidate: Array, gate: Array, update: Update) -> Array:
    first, second = (hidden, candidate) if update == "keeps" else (candidate, hidden)
    return gate * first + (1 - gate) * second
