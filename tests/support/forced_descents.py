"""A kernel and a bias under an optimiser by configuration, along gradients that do not answer to them."""

from typing import get_args, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
import optax

from train.optimizers import Optimization, make_optimizer

RULES = get_args(get_type_hints(Optimization)["optimizer"])
STEPS = 30
CLOSE = {"rtol": 1e-12, "atol": 1e-14}  # a few roundings of order 1e-16 a step


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


WIDTHS = np.array([1e-3, 0.1, 1.0, 3.0])  # of the four columns' gradients: two never reach the bound


def parameters(dtype):
    kernel = normal(3, 4) * 0.1
    return {"kernel": jnp.asarray(kernel, dtype), "bias": jnp.asarray(normal(4), dtype)}


def forced(t, dtype):
    """Gradients that do not answer to the parameters."""
    gradients = {"kernel": normal(3, 4, seed=10 + t) * WIDTHS, "bias": 5 * normal(4, seed=100 + t)}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), gradients)


def iterates(dtype=jnp.float64, start=None, gradient=forced, compiled=jax.jit, **config):
    """The parameters before the first and after each step."""
    optimizer = make_optimizer(Optimization(**config), STEPS)

    @compiled
    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = parameters(dtype) if start is None else start
    seen, state = [params], optimizer.init(params)
    for t in range(STEPS):
        params, state = step(params, state, gradient(t, dtype))
        seen.append(params)
    return seen
