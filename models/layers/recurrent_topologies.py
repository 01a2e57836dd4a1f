"""Recurrence where a place has several predecessors: on a grid, on a tree, on any graph without cycles.

A *join* is the step of a cell that is given the states of several predecessors, of which some may not be there:

    state, output = join(weights, states, present, projected)

``averaged`` and ``summed`` make one of any cell, ``child_sum_lstm`` is one by itself. Where no predecessor is there,
the state in which all begins is the only one; so on a chain each of them is ``models.layers.recurrence.recur``.
"""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from models.layers.recurrence import Cell, State, Weights, project
from models.layers.recurrent_cells import HiddenAndMemory, RecurrentWeights, child_sum_lstm_step


@runtime_checkable
class Join(Protocol):
    """A cell's step for several predecessors: every leaf of ``states`` is [predecessors, *batch, units]."""

    def __call__(
        self,
        weights: Weights,
        states: State,
        present: Bool[Array, " predecessors"],
        projected: Float[Array, "*batch blocks_units"],
    ) -> tuple[State, Float[Array, "*batch units"]]: ...


def summed(cell: Cell) -> Join:
    """The cell's step from the sum of its predecessors' states, as Tai et al. 2015 take for hidden states."""

    def join(weights, states, present, projected):
        return cell.step(weights, jax.tree.map(lambda each: _present(each, present).sum(axis=0), states), projected)

    return join


def averaged(cell: Cell) -> Join:
    """The cell's step from the mean of its predecessors' states, which stays in their range however many there are.

    A memory that is summed over both neighbours of a grid would double along every diagonal.
    """

    def join(weights, states, present, projected):
        share = present.astype(projected.dtype) / jnp.maximum(present.sum(), 1).astype(projected.dtype)
        mean = jax.tree.map(lambda each: jnp.tensordot(share, _present(each, present), axes=1), states)
        return cell.step(weights, mean, projected)

    return join


def child_sum_lstm(
    weights: RecurrentWeights,
    states: tuple[Float[Array, "predecessors *batch units"], Float[Array, "predecessors *batch units"]],
    present: Bool[Array, " predecessors"],
    projected: Float[Array, "*batch four_units"],
) -> tuple[HiddenAndMemory, Float[Array, "*batch units"]]:
    """``child_sum_lstm_step`` of the predecessors that are there. Tai et al. 2015, section 3.1."""
    return child_sum_lstm_step(weights, *(_present(each, present) for each in states), projected)


def grid(
    join: Join, weights: Weights, state: State, inputs: Float[Array, "rows columns *batch features"]
) -> Float[Array, "rows columns *batch units"]:
    """Recurrence in two dimensions: each cell of a grid sees all that lies above and to the left of it.

        s_ij, y_ij = join((s_{i−1,j}, s_{i,j−1}), x_ij)

    The corner begins with ``state``, which every other cell of the border lacks. With one column, or one row, it is the
    recurrence along the other axis. Weights are shared by both directions, where Graves et al. 2007 have two. Lecture
    000, "Topologies".
    """
    projected = project(weights, inputs)
    columns = jnp.arange(inputs.shape[1])

    def along_row(above, given):
        row, of_row = given

        def along_column(left, given):
            column, over, now = given
            present = jnp.stack([row > 0, (column > 0) | (row == 0)])
            states = jax.tree.map(lambda *pair: jnp.stack(pair), over, left)
            after, output = join(weights, states, present, now)
            return after, (after, output)

        _, (states, outputs) = lax.scan(along_column, state, (columns, above, of_row))
        return states, outputs

    nothing = jax.tree.map(lambda leaf: jnp.zeros((inputs.shape[1], *leaf.shape), leaf.dtype), state)
    return lax.scan(along_row, nothing, (jnp.arange(len(inputs)), projected))[1]


def graph(
    join: Join,
    weights: Weights,
    state: State,
    inputs: Float[Array, "nodes features"],
    predecessors: Int[Array, "nodes most"],
) -> Float[Array, "nodes units"]:
    """Recurrence on a graph without cycles: each node sees all nodes from which an edge leads to it.

        s_v, y_v = join({s_u : u → v}, x_v)

    Nodes are numbered such that predecessors come before, −1 stands for none: of a tree, children before their parent.
    A node without predecessors begins with ``state``, whose leaves are [units]. Goller & Küchler 1996; Tai et al. 2015.
    Lecture 000, "Topologies".
    """

    def step(table, given):
        node, before, now = given
        alone = jnp.all(before < 0)
        present = (before >= 0).at[0].set((before[0] >= 0) | alone)
        states = jax.tree.map(lambda leaf: leaf[jnp.where(before >= 0, before, len(inputs))], table)
        after, output = join(weights, states, present, now)
        return jax.tree.map(lambda leaf, new: leaf.at[node].set(new), table, after), output

    begun = jax.tree.map(lambda leaf: jnp.zeros((len(inputs) + 1, *leaf.shape), leaf.dtype).at[-1].set(leaf), state)
    return lax.scan(step, begun, (jnp.arange(len(inputs)), predecessors, project(weights, inputs)))[1]


def _present(states: Float[Array, " predecessors *state"], present: Bool[Array, " predecessors"]) -> Array:
    return jnp.where(present.reshape(-1, *[1] * (states.ndim - 1)), states, 0)
