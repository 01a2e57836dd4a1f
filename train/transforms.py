"""Training features, as transforms of tasks: each takes a task and gives a task, and they compose.

The usual order, from the inside out: ``freeze``, ``starting_from``, ``accumulate``, ``average_parameters``,
``data_parallel`` (``train/mesh.py``), ``resident``, ``scan``, ``ensemble``.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from train.measures import Metrics
from train.task import Batch, State, Task, batch_size, task_of_phases
from train.trainable import Params
from train.windows import gather

SeedsBy = Literal["map", "vmap"]


def with_gradient(task: Task, transform: Callable[[Callable], Callable]) -> Task:
    """``task`` with ``transform`` applied to the gradient of each of its phases."""
    if not task.phases:
        raise ValueError(
            "this task's step is not made of gradients: what transforms gradients goes inside of other transforms"
        )
    phases = [phase._replace(gradient=transform(phase.gradient)) for phase in task.phases]
    return task_of_phases(task.init, phases, task.trainable)


def accumulate(task: Task, parts: int) -> Task:
    """Gradients of ``parts`` equal pieces of the batch, one after the other, averaged into one update.

    Costs the memory of a batch ``parts`` times smaller and gives the numbers of the whole one.
    """

    def transform(whole_gradient: Callable) -> Callable:
        def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[PyTree, Metrics]:
            if batch_size(batch) % parts:
                raise ValueError(f"a batch of size {batch_size(batch)} cannot be accumulated in {parts} equal parts")
            pieces = jax.tree.map(lambda leaf: leaf.reshape(parts, -1, *leaf.shape[1:]), (batch, keys))
            shapes = jax.eval_shape(whole_gradient, state, *jax.tree.map(lambda leaf: leaf[0], pieces))
            zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

            def add(total: tuple, piece: tuple) -> tuple[tuple, None]:
                return jax.tree.map(jnp.add, total, whole_gradient(state, *piece)), None

            total, _ = jax.lax.scan(add, zeros, pieces)
            return jax.tree.map(lambda leaf: leaf / parts, total)

        return gradient

    return with_gradient(task, transform)


def freeze(task: Task, parts: Collection[str]) -> Task:
    """``task`` that leaves ``parts`` of its parameters as they are, each a path (``"params/head/bias"``) or what stands
    below one (``"params/trunk"``, ``"batch_stats"``).

    Of what is frozen no gradient is taken; the optimiser sees, decays and remembers nothing of it, and running
    statistics stay too. The innermost transform. ``ValueError`` where a part does not exist, nothing is left to train,
    or the task does not descend by an optimiser.
    """
    if not parts:
        return task
    if task.freezing is None:
        raise ValueError("only what descends by an optimiser can be frozen, inside of other transforms")

    def frozen(params: Params) -> PyTree[bool]:
        still = [any(is_within(path, part) for part in parts) for path in by_path(params)]
        return jax.tree.unflatten(jax.tree.structure(params), still)

    descending = task.freezing(frozen)

    def init(key: Key[Array, ""]) -> State:
        state = descending.init(key)
        if unknown := [part for part in parts if not any(is_within(path, part) for path in by_path(state.params))]:
            raise ValueError(f"the task has no parameter {unknown[0]}")
        return state

    return descending._replace(init=init)


def is_within(path: str, part: str) -> bool:
    """Whether a leaf's path is ``part`` or stands below it."""
    return f"{path}/".startswith(f"{part}/")


def starting_from(task: Task, given: Mapping[str, Array | np.ndarray]) -> Task:
    """``task`` that begins with ``given`` parameters, by path, in the place of those that it would draw.

    Inside of all transforms but ``freeze``: what others carry of the parameters is made of these.
    """

    def init(key: Key[Array, ""]) -> State:
        state = task.init(key)
        drawn = by_path(state.params)
        if unknown := sorted(given.keys() - drawn.keys()):
            raise ValueError(f"the task has no parameter {unknown[0]}")
        leaves = [jnp.asarray(given[path]) if path in given else leaf for path, leaf in drawn.items()]
        return state._replace(params=jax.tree.unflatten(jax.tree.structure(state.params), leaves))

    return task._replace(init=init, freezing=None)


def by_path(tree: PyTree) -> dict[str, PyTree]:
    """The leaves by their keys joined by slashes, in their order; ``ValueError`` where two have one path."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    named = {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}
    if len(named) < len(leaves):
        raise ValueError("two leaves have one path")
    return named


def average_parameters(task: Task, decay: float) -> Task:
    """Carries the exponential moving average  a ← a + (1 − decay)·(params − a),  from the initial parameters on.

    It is what ``evaluation_params`` returns; of what never moves it has the bits. Statistics are averaged with the
    weights that they belong to; what is no floating-point number is taken over as it is. (Polyak & Juditsky 1992; as
    used for GANs and diffusion.)
    """

    def moved(average: Array, param: Array) -> Array:
        return average + (1 - decay) * (param - average) if jnp.issubdtype(param.dtype, jnp.floating) else param

    def init(key: Key[Array, ""]) -> State:
        state = task.init(key)
        return state._replace(carried=state.carried | {"average": state.params})

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        state, metrics = task.step(state, batch)
        average = jax.tree.map(moved, state.carried["average"], state.params)
        return state._replace(carried=state.carried | {"average": average}), metrics

    return Task(init, step, trainable=task.trainable)


def ensemble(task: Task, *, how: SeedsBy) -> Task:
    """Independent runs of ``task`` in one compiled program: every state, batch and metric gains a leading axis of runs.

    ``init`` takes one key per run, ``step`` one batch per run. ``"map"`` runs them one after the other, with the bits
    of each run alone; ``"vmap"`` runs them together: rounding differs, and convolutions become slow grouped ones on
    CPU. It belongs around a ``scan``, not inside: there every step would copy the state.
    """

    each = {"map": _one_after_the_other, "vmap": jax.vmap}[how]
    return Task(each(task.init), each(task.step), trainable=task.trainable)


def _one_after_the_other(function: Callable) -> Callable:
    """As ``jax.lax.map``, which of one run would be a loop: much to lower for a compiler that takes it out again."""

    def each(*arguments: PyTree) -> PyTree:
        if len(jax.tree.leaves(arguments)[0]) > 1:
            return jax.lax.map(lambda one: function(*one), arguments)
        return jax.tree.map(lambda leaf: leaf[None], function(*jax.tree.map(lambda leaf: leaf[0], arguments)))

    return each


def resident(task: Task, data: Batch) -> Task:
    """``task`` fed by indices into axis 0 of the arrays and ``Windows`` of ``data``, which stays on the device."""

    def step(state: State, index: Array) -> tuple[State, Metrics]:
        return task.step(state, gather(data, index))

    return Task(task.init, step, trainable=task.trainable)


def scan(task: Task, length: int) -> Task:
    """``length`` steps in one call: batches and metrics gain a leading axis of steps."""

    def step(state: State, batches: Batch) -> tuple[State, Metrics]:
        return jax.lax.scan(task.step, state, batches, length=length)

    return Task(task.init, step, trainable=task.trainable)
