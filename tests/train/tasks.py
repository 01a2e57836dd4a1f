"""Small tasks with noise in their loss, on which transforms can be compared."""

import jax
import jax.numpy as jnp
import optax

from train.measures import Ratio
from train.players import Player, alternating
from train.statistics import moving_average
from train.task import supervised
from train.transforms import freeze, starting_from

FEATURES, HIDDEN, GROUP = 5, 7, 3


def init_params(key):
    first, second = jax.random.split(key)
    return {
        "first": jax.random.normal(first, (FEATURES, HIDDEN)) / FEATURES**0.5,
        "second": jax.random.normal(second, (HIDDEN,)) / HIDDEN**0.5,
    }


def noisy_regression(params, batch, keys):
    noise = jax.vmap(lambda key: jax.random.normal(key, (HIDDEN,)))(keys)
    predicted = (jnp.tanh(batch["x"] @ params["first"]) + 0.1 * noise) @ params["second"]
    losses = (predicted - batch["y"]) ** 2
    return losses, {"absolute": jnp.abs(predicted - batch["y"])}


def regression_task(optimizer=None):
    return supervised(noisy_regression, init_params, optimizer or optax.adam(0.01))


def init_normalized(key):
    """A network with a trunk, running statistics, and a counter that is no floating-point number."""
    trunk, key = jax.random.split(key)
    return {
        "params": init_params(key) | {"trunk": jax.random.normal(trunk, (FEATURES, HIDDEN))},
        "batch_stats": {"mean": jnp.zeros(HIDDEN), "variance": jnp.ones(HIDDEN)},
        "seen": {"batches": jnp.zeros((), jnp.int32)},
    }


def normalized_regression(params, batch, keys):
    """Batch normalisation by groups of neighbours, so that parts that are multiples of a group are the whole."""
    weights = params["params"]
    hidden = batch["x"] @ (weights["trunk"] + weights["first"])
    groups = hidden.reshape(-1, GROUP, HIDDEN)
    mean, variance = groups.mean(axis=1), groups.var(axis=1)
    normalized = ((groups - mean[:, None]) / jnp.sqrt(variance + 0.1)[:, None]).reshape(hidden.shape)
    losses, metrics = noisy_regression(
        {"first": jnp.eye(HIDDEN), "second": weights["second"]}, batch | {"x": normalized}, keys
    )
    count = 1 + batch["y"] ** 2
    statistics = {"mean": mean.mean(axis=0), "variance": variance.mean(axis=0)}
    return losses, metrics | {"weighted": Ratio(losses * count, count)}, statistics


def follow(params, statistics):
    params = moving_average("batch_stats", 0.9)(params, statistics)
    return params | {"seen": {"batches": params["seen"]["batches"] + 1}}


def without_trunk(params):
    return {"params": {name: name != "trunk" for name in params["params"]}, "batch_stats": False, "seen": False}


def normalized_task(optimizer=None):
    """Running statistics, a frozen trunk and a ratio; its optimizer would move whatever it saw."""
    optimizer = optimizer or optax.adamw(0.01, weight_decay=0.1)
    return supervised(normalized_regression, init_normalized, optimizer, follow, trainable=without_trunk)


FROZEN = ("params/second", "batch_stats/variance")


def frozen_task(optimizer=None):
    """The normalized task that begins elsewhere and of which a kernel and half of the statistics stand still."""
    return starting_from(freeze(normalized_task(optimizer), FROZEN), {"batch_stats/variance": jnp.full(HIDDEN, 3.0)})


TASKS = {
    "supervised": lambda: regression_task(),
    "alternating": lambda: game_task(),
    "normalized": normalized_task,
    "frozen": frozen_task,
}


def game_task(updates=1):
    def defend(params, batch, keys):
        losses, _ = noisy_regression(params["defender"], batch, keys)
        return losses + params["attacker"]["shift"] * losses, {}

    def attack(params, batch, keys):
        losses, metrics = defend(params, batch, keys)
        return -losses + params["attacker"]["shift"] ** 2, metrics

    def init(key):
        return {"defender": init_params(key), "attacker": {"shift": jax.random.normal(key, ())}}

    players = {
        "defender": Player(defend, optax.adam(0.01), updates),
        "attacker": Player(attack, optax.sgd(0.1)),
    }
    return alternating(players, init)


def batches(steps, size, seed=0):
    x_key, y_key = jax.random.split(jax.random.key(1000 + seed))
    return {"x": jax.random.normal(x_key, (steps, size, FEATURES)), "y": jax.random.normal(y_key, (steps, size))}


def at(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def run(task, data, state=None, key=0):
    """The last state and the stacked metrics of as many jit-compiled steps as ``data`` has."""
    state = jax.jit(task.init)(jax.random.key(key)) if state is None else state
    step, rows = jax.jit(task.step), []
    for t in range(len(jax.tree.leaves(data)[0])):
        state, metrics = step(state, at(data, t))
        rows.append(metrics)
    return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)
