"""What is trained: a task is a pure ``init`` and a pure ``step``.

A step is made of *phases*: each takes a gradient and then applies it. One phase is ordinary training; two phases with
their own parameters are a game (see ``train/players.py``). Keeping the gradient apart from its application is what lets
a transform accumulate or average it (see ``train/transforms.py``) without knowing the model.

Randomness is a function of place: example ``i`` of phase ``p`` of step ``t`` draws from
``split(fold_in(fold_in(state.key, t), p), batch_size)[i]``. So a batch that is cut into parts, over time or over
devices, draws the same numbers as the batch in one piece.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int, Key, PyTree

from train.descent import Batch, Descent, LossFn, descend, gradient_and_statistics, gradient_norm
from train.measures import Metrics
from train.statistics import Follow, keeping
from train.trainable import Params, Trainable, collection_of_params, trainable_part, without

LossOfStep = Callable[[Int[Array, ""]], LossFn]


class Stream(IntEnum):
    """The independent random streams that are folded from a seed's key."""

    INIT = 0
    STEPS = 1
    EVALUATION = 2
    FIGURES = 3
    DATA = 4  # of key 0: what is drawn for the data, whatever the seed
    WHOLE_SET = 5
    SAMPLES = 6  # of the seed that samples are drawn with


class Draw(IntEnum):
    """What one example draws for, each folded from its key: ``fold_in(key, draw)``.

    ``fold_in(key, i)`` is ``split(key, n)[i]``: a key is either folded or split, never both.
    """

    OBSERVE = 0
    SAMPLE = 1
    DROPOUT = 2


class State(NamedTuple):
    """Everything that a step reads and writes, and all that a checkpoint holds."""

    step: Int[Array, ""]
    key: Key[Array, ""]
    params: Params
    opt_state: PyTree
    carried: dict[str, PyTree] = {}  # what transforms and special tasks carry along, by name


class Phase(NamedTuple):
    """One gradient and its application; a step runs its phases in order.

    A gradient is any tree of means over examples. ``measure`` looks at that of the whole batch, before its application.
    With a ``share`` (i, n) the phase sees the examples at places i, i + n, i + 2n … of the batch and no others: a share
    is taken before a batch is accumulated in parts or divided over devices, and so is the same however that is done.
    """

    gradient: Callable[[State, Batch, Key[Array, " batch"]], tuple[PyTree, Metrics]]
    update: Callable[[State, PyTree], State]
    measure: Callable[[PyTree], Metrics] = lambda gradient: {}
    share: tuple[int, int] = (0, 1)


class Task(NamedTuple):
    """A trainable thing. ``phases`` is empty where training is not made of gradients.

    ``trainable`` says which of its parameters descend, or are learnt by another rule. ``freezing`` gives the same task
    without some of them, where an optimiser can be asked to leave them alone.
    """

    init: Callable[[Key[Array, ""]], State]
    step: Callable[[State, Batch], tuple[State, Metrics]]
    phases: tuple[Phase, ...] = ()
    trainable: Trainable = collection_of_params
    freezing: Callable[[Trainable], "Task"] | None = None


def batch_size(batch: Batch) -> int:
    """The common length of axis 0 of every array in ``batch``; ``ValueError`` where they disagree."""
    lengths = sorted({leaf.shape[0] for leaf in jax.tree.leaves(batch)})
    if len(lengths) != 1:
        raise ValueError(f"the arrays of a batch must share axis 0, got lengths {lengths}")
    return lengths[0]


def task_of_phases(
    init: Callable[[Key[Array, ""]], State], phases: Sequence[Phase], trainable: Trainable = collection_of_params
) -> Task:
    """The task whose step runs ``phases`` in order, each with its own keys, and counts one step."""

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        key = jax.random.fold_in(state.key, state.step)
        metrics: Metrics = {}
        for number, phase in enumerate(phases):
            keys = jax.random.split(jax.random.fold_in(key, number), batch_size(batch))
            gradient, measured = phase.gradient(state, *_share(phase.share, (batch, keys)))
            state = phase.update(state, gradient)
            metrics |= measured | phase.measure(gradient)
        return state._replace(step=state.step + 1), metrics

    return Task(init, step, tuple(phases), trainable)


def _share(share: tuple[int, int], batch: Batch) -> Batch:
    """The examples of one of n shares; ``ValueError`` where they do not divide the batch."""
    number, shares = share
    if batch_size(batch) % shares:
        raise ValueError(f"a batch of size {batch_size(batch)} cannot be shared by its updates in {shares} equal parts")
    return jax.tree.map(lambda leaf: leaf[number::shares], batch) if shares > 1 else batch


def initial_state(key: Key[Array, ""], params: Params, opt_state: PyTree) -> State:
    """Step 0, with the stream of step keys folded from ``key``."""
    return State(jnp.zeros((), jnp.int32), jax.random.fold_in(key, Stream.STEPS), params, opt_state)


def supervised(
    loss_fn: LossFn,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
    follow: Follow | None = None,
    *,
    trainable: Trainable = collection_of_params,
) -> Task:
    """Gradient descent on one loss.

    ``loss_fn(params, batch, keys) -> (losses, metrics)`` returns one value per example, from one key per example; what
    is minimised is the mean. The metrics of a step are those means, measured before its update, and ``gradient_norm``.

    With a ``follow`` the loss returns ``(losses, metrics, statistics)``: means over the batch's examples, in float32.
    Once the optimiser has moved the parameters, ``follow(params, statistics)`` returns them as they are kept, as
    ``moving_average`` does of ``train/statistics.py``. Only what is ``trainable`` descends: by default, where a network
    has several collections, the one called ``"params"``.
    """
    return annealed(lambda step: loss_fn, init_params, optimizer, follow, trainable=trainable)


def annealed(
    loss_of_step: LossOfStep,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
    follow: Follow | None = None,
    *,
    trainable: Trainable = collection_of_params,
) -> Task:
    """Gradient descent on a loss that changes as training goes on: step t, from 0 on, minimises ``loss_of_step(t)``.

    The step is traced: a weight may be computed from it, and nothing may branch on it in Python. For weights that warm
    up (Bowman et al. 2016; Sønderby et al. 2016), temperatures that fall, schedules of the noise.
    """

    def init(key: Key[Array, ""]) -> State:
        params = init_params(jax.random.fold_in(key, Stream.INIT))
        return initial_state(key, params, optimizer.init(trainable_part(params, trainable)))

    def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Descent, Metrics]:
        loss_fn = loss_of_step(state.step)
        return gradient_and_statistics(
            loss_fn, state.params, batch, keys, trainable=trainable, followed=follow is not None
        )

    def update(state: State, gradient: Descent) -> State:
        params, opt_state = descend(
            state.params, state.opt_state, gradient, optimizer=optimizer, follow=follow, trainable=trainable
        )
        return state._replace(params=params, opt_state=opt_state)

    def freezing(frozen: Trainable) -> Task:
        kept = None if follow is None else keeping(follow, frozen)
        return annealed(loss_of_step, init_params, optimizer, kept, trainable=without(trainable, frozen))

    return task_of_phases(init, [Phase(gradient, update, gradient_norm)], trainable)._replace(freezing=freezing)


def evaluation_params(state: State) -> Params:
    """The parameters to evaluate: their running average where one is carried, otherwise the trained ones."""
    return state.carried.get("average", state.params)


def seed_keys(seeds: Sequence[int]) -> Key[Array, " seeds"]:
    """One key a seed, as ``jax.random.key(seed)`` gives them."""
    return _seed_keys(np.asarray(seeds, np.int32))


def stream_key(seed: int, stream: Stream) -> Key[Array, ""]:
    """The key of one stream of a seed: ``fold_in(key(seed), stream)``, as one program."""
    return _stream_key(np.int32(seed), np.int32(stream))


_seed_keys = jax.jit(jax.vmap(jax.random.key))
_stream_key = jax.jit(lambda seed, stream: jax.random.fold_in(jax.random.key(seed), stream))
