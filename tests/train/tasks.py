"""Small tasks with noise in their loss, on which transforms can be compared."""

import jax
import jax.numpy as jnp
import optax

from train.statistics import moving_average
from train.task import Player, alternating, supervised

FEATURES, HIDDEN = 5, 7


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


def normalized_regression(params, batch, keys):
    """The same with hidden units around their running mean, and what their batch has instead."""
    network, noise = params["params"], jax.vmap(lambda key: jax.random.normal(key, (HIDDEN,)))(keys)
    hidden = jnp.tanh(batch["x"] @ network["first"]) + 0.1 * noise
    losses = ((hidden - params["running"]["mean"]) @ network["second"] - batch["y"]) ** 2
    return losses, {"absolute": jnp.sqrt(losses)}, {"mean": hidden.mean(axis=0), "square": (hidden**2).mean(axis=0)}


def init_normalized(key):
    still = {"mean": jnp.zeros(HIDDEN), "square": jnp.ones(HIDDEN)}
    return {"params": init_params(key), "running": still, "count": jnp.zeros((), jnp.int32)}


def normalized_task(optimizer=None, decay=0.9):
    optimizer = optimizer or optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(0.01))
    return supervised(normalized_regression, init_normalized, optimizer, moving_average("running", decay))


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
