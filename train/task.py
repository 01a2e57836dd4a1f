"""What is trained: a task is a pure ``init`` and a pure ``step``.

A step is made of *phases*: each takes a gradient and then applies it. One phase is ordinary training; two phases with
their own parameters are a game. Keeping the gradient apart from its application is what lets a transform accumulate or
average it (see ``train/transforms.py``) without knowing the model.

Randomness is a function of place: example ``i`` of phase ``p`` of step ``t`` draws from
``split(fold_in(fold_in(state.key, t), p), batch_size)[i]``. So a batch that is cut into parts, over time or over
devices, draws the same numbers as the batch in one piece.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, PyTree

from train.measures import Metrics, batch_means
from train.statistics import Follow, Statistics, check_statistics
from train.trainable import Params, Trainable, collection_of_params, trainable_part, with_trainable_part

Batch = PyTree[Array | np.ndarray]
LossFn = Callable[
    [Params, Batch, Key[Array, " batch"]],
    tuple[Float[Array, " batch"], Metrics] | tuple[Float[Array, " batch"], Metrics, Statistics],
]
"""Losses, one for each example and key; metrics likewise; and the statistics of the batch where something follows
them."""
LossOfStep = Callable[[Int[Array, ""]], LossFn]


class Stream(IntEnum):
    """The independent random streams that are folded from a seed's key."""

    INIT = 0
    STEPS = 1
    EVALUATION = 2
    FIGURES = 3
    DATA = 4  # of key 0: what is drawn for the data, whatever the seed
    WHOLE_SET = 5


class Draw(IntEnum):
    """What an example's own key is folded with, for draws that must not meet."""

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


class Descent(NamedTuple):
    """What a batch says of the parameters that descend, and what the others may follow: averaged alike over its parts
    and over devices.
    """

    gradient: Params
    statistics: Statistics = ()


class Phase(NamedTuple):
    """One gradient and its application; a step runs its phases in order.

    ``gradient`` returns a ``Descent``, or any other tree of means over examples that ``update`` takes; of its norm the
    metric is named ``prefix`` + "gradient_norm".
    """

    gradient: Callable[[State, Batch, Key[Array, " batch"]], tuple[PyTree, Metrics]]
    update: Callable[[State, PyTree], State]
    prefix: str = ""


class Task(NamedTuple):
    """A trainable thing. ``phases`` is empty where training is not made of gradients; ``trainable`` says which of its
    parameters descend.
    """

    init: Callable[[Key[Array, ""]], State]
    step: Callable[[State, Batch], tuple[State, Metrics]]
    phases: tuple[Phase, ...] = ()
    trainable: Trainable = collection_of_params


class Player(NamedTuple):
    """One side of an ``alternating`` game.

    ``loss_fn(params, batch, keys)`` sees the parameters of all players by name and returns this player's loss and
    metrics, one value per example; only ``params[name]`` is differentiated. ``updates`` of them are made in each step.
    """

    loss_fn: LossFn
    optimizer: optax.GradientTransformation
    updates: int = 1
    follow: Follow | None = None
    trainable: Trainable = collection_of_params


def batch_size(batch: Batch) -> int:
    """The common length of axis 0 of every array in ``batch``; ``ValueError`` where they disagree."""
    lengths = sorted({leaf.shape[0] for leaf in jax.tree.leaves(batch)})
    if len(lengths) != 1:
        raise ValueError(f"the arrays of a batch must share axis 0, got lengths {lengths}")
    return lengths[0]


def task_of_phases(
    init: Callable[[Key[Array, ""]], State], phases: Sequence[Phase], trainable: Trainable = collection_of_params
) -> Task:
    """The task whose step runs ``phases`` in order, each with its own keys, and counts one step.

    Metrics of a step: those of its phases, and the norm of each phase's gradient as its update gets it.
    """

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        key = jax.random.fold_in(state.key, state.step)
        metrics: Metrics = {}
        for number, phase in enumerate(phases):
            keys = jax.random.split(jax.random.fold_in(key, number), batch_size(batch))
            gradient, measured = phase.gradient(state, batch, keys)
            state = phase.update(state, gradient)
            descends = gradient.gradient if isinstance(gradient, Descent) else gradient
            metrics |= measured | {f"{phase.prefix}gradient_norm": optax.tree.norm(descends)}
        return state._replace(step=state.step + 1), metrics

    return Task(init, step, tuple(phases), trainable)


def initial_state(key: Key[Array, ""], params: Params, opt_state: PyTree) -> State:
    """Step 0, with the stream of step keys folded from ``key``."""
    return State(jnp.zeros((), jnp.int32), jax.random.fold_in(key, Stream.STEPS), params, opt_state)


def descend(
    loss_fn: LossFn,
    params: Params,
    batch: Batch,
    keys: Key[Array, " batch"],
    trainable: Trainable = collection_of_params,
) -> tuple[Descent, Metrics]:
    """The gradient of the mean loss in the parameters that are trainable, the batch's statistics, and its metrics; the
    loss itself is among them as ``"loss"``.

    ``ValueError`` where a metric is not one value an example, or statistics have less than 32 bits.
    """

    def mean(part: Params) -> tuple[Float[Array, ""], tuple[Statistics, Metrics]]:
        losses, metrics, *observed = loss_fn(with_trainable_part(params, part), batch, keys)
        statistics = observed[0] if observed else ()
        check_statistics(statistics)
        means = batch_means({"loss": losses, **metrics}, batch_size(batch))
        return means["loss"], (statistics, means)

    gradient, (statistics, metrics) = jax.grad(mean, has_aux=True)(trainable_part(params, trainable))
    return Descent(gradient, statistics), metrics


def move(
    descent: Descent,
    params: Params,
    opt_state: PyTree,
    optimizer: optax.GradientTransformation,
    follow: Follow | None,
    trainable: Trainable,
) -> tuple[Params, PyTree]:
    """Parameters and optimiser's state after an update, which what follows the batch comes after.

    ``ValueError`` where a batch has statistics and nothing follows them, or the other way round.
    """
    has_statistics = bool(jax.tree.leaves(descent.statistics))
    if has_statistics != (follow is not None):
        said = "returns statistics, and nothing follows them" if has_statistics else "returns none to follow"
        raise ValueError(f"the loss {said}: give both a third result of the loss and follow, or neither")
    part = trainable_part(params, trainable)
    updates, opt_state = optimizer.update(descent.gradient, opt_state, part)
    moved = with_trainable_part(params, optax.apply_updates(part, updates))
    return (follow(moved, descent.statistics) if follow else moved), opt_state


def supervised(
    loss_fn: LossFn,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
    follow: Follow | None = None,
    trainable: Trainable = collection_of_params,
) -> Task:
    """Gradient descent on one loss.

    ``loss_fn(params, batch, keys) -> (losses, metrics)`` returns one value per example, from one key per example; what
    is minimised is the mean. The metrics of a step are those means, measured before its update. What is not descended
    on follows the statistics that the loss returns third: after the descent, parameters become ``follow(params,
    statistics)``, as ``train.statistics.moving_average``. Which parameters descend, ``trainable`` says: by default a
    network's collection "params", and not those beside it.
    """
    return annealed(lambda step: loss_fn, init_params, optimizer, follow, trainable)


def annealed(
    loss_of_step: LossOfStep,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
    follow: Follow | None = None,
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
        return descend(loss_of_step(state.step), state.params, batch, keys, trainable)

    def update(state: State, descent: Descent) -> State:
        params, opt_state = move(descent, state.params, state.opt_state, optimizer, follow, trainable)
        return state._replace(params=params, opt_state=opt_state)

    return task_of_phases(init, [Phase(gradient, update)], trainable)


def alternating(players: Mapping[str, Player], init_params: Callable[[Key[Array, ""]], dict[str, Params]]) -> Task:
    """Players who descend in turn, in the order of the mapping, each on its own loss (Goodfellow et al. 2014, algorithm
    1).

    ``init_params`` returns each player's parameters under its name. Every update sees the others' newest parameters.
    Metrics come back as ``"<player>/<metric>"``, those of its last update.
    """

    def init(key: Key[Array, ""]) -> State:
        params = init_params(jax.random.fold_in(key, Stream.INIT))
        if params.keys() != players.keys():
            raise ValueError(f"players {sorted(players)} need parameters of the same names, got {sorted(params)}")
        opt_state = {
            name: player.optimizer.init(trainable_part(params[name], player.trainable))
            for name, player in players.items()
        }
        return initial_state(key, params, opt_state)

    def trainable(params: dict[str, Params]) -> PyTree[bool]:
        return {name: player.trainable(params[name]) if player.updates else False for name, player in players.items()}

    turns = [_turn(name, player) for name, player in players.items() for _ in range(player.updates)]
    return task_of_phases(init, turns, trainable)


class Learner(NamedTuple):
    """One of several that learn ``side_by_side``; ``loss_fn`` sees its own parameters alone."""

    loss_fn: LossFn
    init_params: Callable[[Key[Array, ""]], Params]
    optimizer: optax.GradientTransformation
    follow: Follow | None = None
    trainable: Trainable = collection_of_params


def side_by_side(learners: Mapping[str, Learner]) -> Task:
    """Learners of the same examples of whom none knows of the others: no gradient of one reaches another.

    Where one begins is a function of the seed and of its name, not of who stands beside it. Parameters are named as the
    learners, metrics ``"<learner>/<metric>"``.
    """

    def player(name: str, learner: Learner) -> Player:
        def loss_fn(params: dict[str, Params], *given: PyTree) -> tuple:
            return learner.loss_fn(params[name], *given)

        return Player(loss_fn, learner.optimizer, follow=learner.follow, trainable=learner.trainable)

    def init_params(key: Key[Array, ""]) -> dict[str, Params]:
        return {
            name: learner.init_params(jax.random.fold_in(key, crc32(name.encode())))
            for name, learner in learners.items()
        }

    return alternating({name: player(name, learner) for name, learner in learners.items()}, init_params)


def _turn(name: str, player: Player) -> Phase:
    def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Descent, Metrics]:
        def own_loss(own: Params, *given: PyTree) -> tuple:
            return player.loss_fn(state.params | {name: own}, *given)

        descent, metrics = descend(own_loss, state.params[name], batch, keys, player.trainable)
        return descent, {f"{name}/{metric}": value for metric, value in metrics.items()}

    def update(state: State, descent: Descent) -> State:
        own, opt_state = move(
            descent,
            state.params[name],
            state.opt_state[name],
            player.optimizer,
            player.follow,
            player.trainable,
        )
        return state._replace(
            params=state.params | {name: own},
            opt_state=state.opt_state | {name: opt_state},
        )

    return Phase(gradient, update, f"{name}/")


def evaluation_params(state: State) -> Params:
    """The parameters to evaluate: their running average where one is carried, otherwise the trained ones."""
    return state.carried.get("average", state.params)


def seed_keys(seeds: Sequence[int]) -> Key[Array, " seeds"]:
    """One key a seed, as ``jax.random.key(seed)`` gives them."""
    return jnp.stack([jax.random.key(seed) for seed in seeds])
