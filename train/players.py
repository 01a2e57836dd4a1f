"""Several who descend in one task: players of a game, and learners of whom none knows of the others."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from zlib import crc32

import jax
import optax
from jaxtyping import Array, Key, PyTree

from train.descent import Batch, Descent, LossFn, descend, gradient_and_statistics, gradient_norm
from train.measures import Metrics
from train.statistics import Follow, keeping
from train.task import Phase, State, Stream, Task, initial_state, task_of_phases
from train.trainable import Params, Trainable, collection_of_params, trainable_part, without


class Player(NamedTuple):
    """One side of an ``alternating`` game.

    ``loss_fn(params, batch, keys)`` sees the parameters of all players by name and returns this player's loss and
    metrics, one value per example; only ``params[name]`` is differentiated. ``updates`` of them are made in each step,
    each on examples of its own. ``follow`` and ``trainable`` are those of ``supervised``, for ``params[name]``.
    """

    loss_fn: LossFn
    optimizer: optax.GradientTransformation
    updates: int = 1
    follow: Follow | None = None
    trainable: Trainable = collection_of_params


def alternating(players: Mapping[str, Player], init_params: Callable[[Key[Array, ""]], dict[str, Params]]) -> Task:
    """Players who descend in turn, in the order of the mapping, each on its own loss (Goodfellow et al. 2014, algorithm
    1).

    ``init_params`` returns each player's parameters under its name. Every update sees the others' newest parameters.
    Metrics come back as ``"<player>/<metric>"``, those of its last update.

    A batch is shared by as many updates as the busiest player makes, n: its update i sees the i-th share, and so does
    update i of any other player. So all see equally many examples, batch / n, and no player sees one twice in a step.
    """

    def init(key: Key[Array, ""]) -> State:
        params = init_params(jax.random.fold_in(key, Stream.INIT))
        if params.keys() != players.keys():
            raise ValueError(f"players {sorted(players)} need parameters of the same names, got {sorted(params)}")
        parts = {name: trainable_part(params[name], player.trainable) for name, player in players.items()}
        return initial_state(key, params, {name: players[name].optimizer.init(part) for name, part in parts.items()})

    def trainable(params: Params) -> PyTree[bool]:
        return {name: name in players and players[name].trainable(own) for name, own in params.items()}

    def freezing(frozen: Trainable) -> Task:
        return alternating({name: _frozen(name, player, frozen) for name, player in players.items()}, init_params)

    shares = max(1, *(player.updates for player in players.values()))
    turns = [
        _turn(name, player)._replace(share=(number, shares))
        for name, player in players.items()
        for number in range(player.updates)
    ]
    return task_of_phases(init, turns, trainable)._replace(freezing=freezing)


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
        return Player(
            lambda params, *given: learner.loss_fn(params[name], *given),
            learner.optimizer,
            follow=learner.follow,
            trainable=learner.trainable,
        )

    def init_params(key: Key[Array, ""]) -> dict[str, Params]:
        return {
            name: learner.init_params(jax.random.fold_in(key, crc32(name.encode())))
            for name, learner in learners.items()
        }

    return alternating({name: player(name, learner) for name, learner in learners.items()}, init_params)


def _frozen(name: str, player: Player, frozen: Trainable) -> Player:
    def own(params: Params) -> PyTree[bool]:
        return frozen({name: params})[name]

    follow = None if player.follow is None else keeping(player.follow, own)
    return player._replace(follow=follow, trainable=without(player.trainable, own))


def _turn(name: str, player: Player) -> Phase:
    def named(metrics: Metrics) -> Metrics:
        return {f"{name}/{metric}": value for metric, value in metrics.items()}

    def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Descent, Metrics]:
        own, metrics = gradient_and_statistics(
            lambda own, *given: player.loss_fn(state.params | {name: own}, *given),
            state.params[name],
            batch,
            keys,
            trainable=player.trainable,
            followed=player.follow is not None,
        )
        return own, named(metrics)

    def update(state: State, gradient: Descent) -> State:
        own, opt_state = descend(
            state.params[name],
            state.opt_state[name],
            gradient,
            optimizer=player.optimizer,
            follow=player.follow,
            trainable=player.trainable,
        )
        return state._replace(
            params=state.params | {name: own},
            opt_state=state.opt_state | {name: opt_state},
        )

    return Phase(gradient, update, lambda gradient: named(gradient_norm(gradient)))
