"""Recurrence along a sequence, for cells of any kind.

A *recurrence* takes weights, a state and inputs, and gives the state at the end and the outputs at every place:

    state, outputs = recurrence(weights, state, inputs, lengths)

``partial(recur, cell)`` is one; ``reverse``, ``bidirectional`` and ``stack`` make others of them. The axis of time
comes first, [time, *batch, features]. With ``lengths`` sequences are padded at their end: what stands there changes
nothing, outputs there are 0, and a sequence of length 0 ends in the state in which it began.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, PyTree, Shaped

from models.layers.recurrent_cells import RecurrentWeights

Weights = Any
State = PyTree[Float[Array, "..."]]


def project(
    weights: RecurrentWeights, inputs: Float[Array, "*places features"]
) -> Float[Array, "*places blocks_units"]:
    """The product x W + b at all places, made by two matrices, which is faster than one product a place.

    Lecture 000, "Recurrent neural networks".
    """
    flat = inputs.reshape(-1, inputs.shape[-1]) @ weights.inputs + weights.bias
    return flat.reshape(*inputs.shape[:-1], flat.shape[-1])


class Cell(NamedTuple):
    """One step of a recurrence, in two parts: what can be done at all places at once, and what cannot."""

    step: Callable[..., tuple[State, Array]]
    """(weights, state, projected [*batch, …]) → (state, output [*batch, units])"""
    project: Callable[..., Array] = project
    """(weights, inputs [*places, features]) → what ``step`` is given at each place"""


@runtime_checkable
class Recurrence(Protocol):
    """A cell that runs along a sequence, or several of them."""

    def __call__(
        self,
        weights: Weights,
        state: State,
        inputs: Float[Array, "time *batch features"],
        lengths: Int[Array, "*batch"] | None = None,
    ) -> tuple[State, Float[Array, "time *batch outputs"]]: ...


def recur(
    cell: Cell,
    weights: Weights,
    state: State,
    inputs: Float[Array, "time *batch features"],
    lengths: Int[Array, "*batch"] | None = None,
) -> tuple[State, Float[Array, "time *batch outputs"]]:
    """The cell at each place in turn, the state handed on.

        s_t, y_t = step(s_{t−1}, x_t),   t = 1 … T,   or to the length of the sequence

    Its gradient is backpropagation through time (Werbos 1990). Lectures 000, 001 and 003, "Recurrent neural networks".
    """

    def step(state: State, given: tuple[Array, Array]) -> tuple[State, Array]:
        place, projected = given
        after, output = cell.step(weights, state, projected)
        if lengths is None:
            return after, output
        within = (place < lengths)[..., None]
        return jax.tree.map(lambda new, old: jnp.where(within, new, old), after, state), jnp.where(within, output, 0)

    places = jnp.arange(len(inputs)) if lengths is None else _places(inputs, lengths)
    return lax.scan(step, state, (places, cell.project(weights, without_padding(inputs, lengths))))


def without_padding(
    inputs: Float[Array, "time *batch features"], lengths: Int[Array, "*batch"] | None = None
) -> Float[Array, "time *batch features"]:
    """The sequences with 0 in their padding, so that not even a NaN there reaches a gradient.

        x_t  for t ≤ L,  else 0

    Lecture 003, "Recurrent neural networks".
    """
    if lengths is None:
        return inputs
    return jnp.where((_places(inputs, lengths) < lengths)[..., None], inputs, 0)


def reverse_sequences(
    sequences: Shaped[Array, "time *batch features"], lengths: Int[Array, "*batch"] | None = None
) -> Shaped[Array, "time *batch features"]:
    """Each sequence from its last place to its first; the padding stays where it is.

        y_t = x_{L + 1 − t} for t ≤ L, else x_t

    Twice, it is the identity. Schuster & Paliwal 1997.
    """
    if lengths is None:
        return jnp.flip(sequences, axis=0)
    place = _places(sequences, lengths)
    source = jnp.where(place < lengths, lengths - 1 - place, place)
    return jnp.take_along_axis(sequences, source[..., None], axis=0)


def reverse(recurrence: Recurrence) -> Recurrence:
    """The recurrence from the last place of each sequence to its first; outputs stand where their inputs do."""

    def run(weights, state, inputs, lengths=None):
        state, outputs = recurrence(weights, state, reverse_sequences(inputs, lengths), lengths)
        return state, reverse_sequences(outputs, lengths)

    return run


def bidirectional(forward: Recurrence, backward: Recurrence) -> Recurrence:
    """One recurrence from the front and one from the back, outputs side by side; weights and states are pairs.

    Schuster & Paliwal 1997. Lecture 000, "Topologies".
    """
    back = reverse(backward)

    def run(weights, state, inputs, lengths=None):
        first, of_past = forward(weights[0], state[0], inputs, lengths)
        second, of_future = back(weights[1], state[1], inputs, lengths)
        return (first, second), jnp.concatenate([of_past, of_future], axis=-1)

    return run


def stack(*layers: Recurrence) -> Recurrence:
    """Recurrences of which each reads the outputs of the one below; weights and states are tuples.

    Graves et al. 2013, equations 11 and 12. Lecture 000, "Topologies".
    """

    def run(weights, state, inputs, lengths=None):
        states = []
        for layer, own, begun in zip(layers, weights, state, strict=True):
            ended, inputs = layer(own, begun, inputs, lengths)
            states.append(ended)
        return tuple(states), inputs

    return run


def _places(sequences: Array, lengths: Array) -> Array:
    """0 … T − 1 beside the lengths: [time, 1, …]."""
    return jnp.arange(len(sequences), dtype=lengths.dtype).reshape(-1, *[1] * lengths.ndim)
