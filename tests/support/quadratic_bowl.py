"""A quadratic bowl, and where an optimiser or its recursion in NumPy goes on it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from train.optimizers import Optimization, make_optimizer

ETA, MU, STEPS = 0.05, 0.9, 40
# a few roundings of order 1e-16 a step, over 40 steps that do not amplify them much
CLOSE = {"rtol": 1e-12, "atol": 1e-14}


def bowl() -> tuple[np.ndarray, np.ndarray]:
    """A of ½ xᵀAx, with eigenvalues between 0.1 and 10, and a starting point."""
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    return rotation @ np.diag([0.1, 1.0, 3.0, 10.0]) @ rotation.T, rng.standard_normal(4)


def iterates(config: Optimization, gradient, x0: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """x_0 … x_steps under the optimiser of ``config``."""
    optimizer = make_optimizer(config, steps)

    @jax.jit
    def step(x, state, g):
        updates, state = optimizer.update({"x": g}, state, {"x": x})
        return optax.apply_updates({"x": x}, updates)["x"], state

    x, state, seen = jnp.asarray(x0), optimizer.init({"x": jnp.asarray(x0)}), [x0]
    for _ in range(steps):
        x, state = step(x, state, jnp.asarray(gradient(seen[-1])))
        seen.append(np.asarray(x))
    return np.stack(seen)


def recursion(rule, gradient, x0: np.ndarray, steps: int = STEPS) -> np.ndarray:
    seen, memory = [x0], None
    for t in range(1, steps + 1):
        x, memory = rule(seen[-1], gradient(seen[-1]), memory, t)
        seen.append(x)
    return np.stack(seen)
