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

Batch = PyTree[Array | np.ndarray]
Params = PyTree[Array]
Metrics = dict[str, Array]
LossFn = Callable[
    [Params, Batch, Key[Array, " batch"]], tuple[Float[Array, " batch"], dict[str, Float[Array, " batch"]]]
]
LossOfStep = Callable[[Int[Array, ""]], LossFn]


class Stream(IntEnum):
    """The independent random streams that are folded from a seed's key."""

    INIT = 0
    STEPS = 1
    EVALUATION = 2
    FIGURES = 3
    DATA = 4


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


class Phase(NamedTuple):
    """One gradient and its application; a step runs its phases in order."""

    gradient: Callable[[State, Batch, Key[Array, " batch"]], tuple[Params, Metrics]]
    update: Callable[[State, Params], State]


class Task(NamedTuple):
    """A trainable thing. ``phases`` is empty where training is not made of gradients."""

    init: Callable[[Key[Array, ""]], State]
    step: Callable[[State, Batch], tuple[State, Metrics]]
    phases: tuple[Phase, ...] = ()


class Player(NamedTuple):
    """One side of an ``alternating`` game.

    ``loss_fn(params, batch, keys)`` sees the parameters of all players by name and returns this player's loss and
    metrics, one value per example; only ``params[name]`` is differentiated. ``updates`` of them are made in each step.
    """

    loss_fn: LossFn
    optimizer: optax.GradientTransformation
    updates: int = 1


def batch_size(batch: Batch) -> int:
    """The common length of axis 0 of every array in ``batch``; ``ValueError`` where they disagree."""
    lengths = sorted({leaf.shape[0] for leaf in jax.tree.leaves(batch)})
    if len(lengths) != 1:
        raise ValueError(f"the arrays of a batch must share axis 0, got lengths {lengths}")
    return lengths[0]


def task_of_phases(init: Callable[[Key[Array, ""]], State], phases: Sequence[Phase]) -> Task:
    """The task whose step runs ``phases`` in order, each with its own keys, and counts one step."""

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        key = jax.random.fold_in(state.key, state.step)
        metrics: Metrics = {}
        for number, phase in enumerate(phases):
            keys = jax.random.split(jax.random.fold_in(key, number), batch_size(batch))
            gradient, measured = phase.gradient(state, batch, keys)
            state = phase.update(state, gradient)
            metrics |= measured
        return state._replace(step=state.step + 1), metrics

    return Task(init, step, tuple(phases))


def initial_state(key: Key[Array, ""], params: Params, opt_state: PyTree) -> State:
    """Step 0, with the stream of step keys folded from ``key``."""
    return State(jnp.zeros((), jnp.int32), jax.random.fold_in(key, Stream.STEPS), params, opt_state)


def mean_loss(loss_fn: LossFn) -> Callable[[Params, Batch, Key[Array, " batch"]], tuple[Float[Array, ""], Metrics]]:
    """``loss_fn`` averaged over the batch; the loss itself joins the metrics as ``"loss"``."""

    def mean(params: Params, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Float[Array, ""], Metrics]:
        losses, metrics = loss_fn(params, batch, keys)
        metrics = jax.tree.map(jnp.mean, {"loss": losses, **metrics})
        return metrics["loss"], metrics

    return mean


def supervised(
    loss_fn: LossFn,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
) -> Task:
    """Gradient descent on one loss.

    ``loss_fn(params, batch, keys) -> (losses, metrics)`` returns one value per example, from one key per example; what
    is minimised is the mean. The metrics of a step are those means, measured before its update.
    """
    return annealed(lambda step: loss_fn, init_params, optimizer)


def annealed(
    loss_of_step: LossOfStep,
    init_params: Callable[[Key[Array, ""]], Params],
    optimizer: optax.GradientTransformation,
) -> Task:
    """Gradient descent on a loss that changes as training goes on: step t, from 0 on, minimises ``loss_of_step(t)``.

    The step is traced: a weight may be computed from it, and nothing may branch on it in Python. For weights that warm
    up (Bowman et al. 2016; Sønderby et al. 2016), temperatures that fall, schedules of the noise.
    """

    def init(key: Key[Array, ""]) -> State:
        params = init_params(jax.random.fold_in(key, Stream.INIT))
        return initial_state(key, params, optimizer.init(params))

    def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Params, Metrics]:
        return jax.grad(mean_loss(loss_of_step(state.step)), has_aux=True)(state.params, batch, keys)

    def update(state: State, gradient: Params) -> State:
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        return state._replace(params=optax.apply_updates(state.params, updates), opt_state=opt_state)

    return task_of_phases(init, [Phase(gradient, update)])


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
        opt_state = {name: player.optimizer.init(params[name]) for name, player in players.items()}
        return initial_state(key, params, opt_state)

    return task_of_phases(
        init, [_turn(name, player) for name, player in players.items() for _ in range(player.updates)]
    )


class Learner(NamedTuple):
    """One of several that learn ``side_by_side``; ``loss_fn`` sees its own parameters alone."""

    loss_fn: LossFn
    init_params: Callable[[Key[Array, ""]], Params]
    optimizer: optax.GradientTransformation


def side_by_side(learners: Mapping[str, Learner]) -> Task:
    """Learners of the same examples of whom none knows of the others: no gradient of one reaches another.

    Where one begins is a function of the seed and of its name, not of who stands beside it. Parameters are named as the
    learners, metrics ``"<learner>/<metric>"``.
    """

    def player(name: str, learner: Learner) -> Player:
        return Player(lambda params, *given: learner.loss_fn(params[name], *given), learner.optimizer)

    def init_params(key: Key[Array, ""]) -> dict[str, Params]:
        return {
            name: learner.init_params(jax.random.fold_in(key, crc32(name.encode())))
            for name, learner in learners.items()
        }

    return alternating({name: player(name, learner) for name, learner in learners.items()}, init_params)


def _turn(name: str, player: Player) -> Phase:
    def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Params, Metrics]:
        def own_loss(own: Params) -> tuple[Float[Array, ""], Metrics]:
            return mean_loss(player.loss_fn)(state.params | {name: own}, batch, keys)

        own_gradient, metrics = jax.grad(own_loss, has_aux=True)(state.params[name])
        return own_gradient, {f"{name}/{metric}": value for metric, value in metrics.items()}

    def update(state: State, gradient: Params) -> State:
        own, opt_state = state.params[name], state.opt_state[name]
        updates, opt_state = player.optimizer.update(gradient, opt_state, own)
        return state._replace(
            params=state.params | {name: optax.apply_updates(own, updates)},
            opt_state=state.opt_state | {name: opt_state},
        )

    return Phase(gradient, update)


def evaluation_params(state: State) -> Params:
    """The parameters to evaluate: their running average where one is carried, otherwise the trained ones."""
    return state.carried.get("average", state.params)


def seed_keys(seeds: Sequence[int]) -> Key[Array, " seeds"]:
    """One key a seed, as ``jax.random.key(seed)`` gives them."""
    return jnp.stack([jax.random.key(seed) for seed in seeds])


def count_parameters(params: Params) -> int:
    """How many numbers are trained."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
