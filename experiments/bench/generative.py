"""Steps of generative models, for ``lectern bench generative``: ``python -m experiments.bench.generative WORK``.

Prints one JSON line with ``examples_per_second`` and ``megabytes``, the memory at its highest above that after imports.
``peers/generative_torch.py`` does the same work.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
import optax

from experiments.bench.convolution import CHUNKS, main, rate
from experiments.objectives.flow import log_densities
from models.flow import real_nvp
from train.task import Task, supervised


class Work(NamedTuple):
    """What is trained, and the examples of a chunk of steps."""

    task: Callable[[], Task]
    batches: Callable[[np.random.Generator], dict[str, np.ndarray]]
    steps: int
    batch: int


def real_nvp_task() -> Task:
    """Eight affine couplings of the plane, by Adam on the log-density."""
    model = real_nvp(2, depth=8, widths=(64, 64))
    first = np.random.default_rng(1).normal(size=(256, 2)).astype(np.float32)

    def loss_fn(params, batch, keys):
        return -log_densities(model.apply, params, batch["point"]), {}

    return supervised(loss_fn, lambda key: model.init(key, first), optax.adam(1e-3))


def points(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Noise."""
    return {"point": rng.normal(size=(200, 256, 2)).astype(np.float32)}


WORKS = {"real-nvp": Work(real_nvp_task, points, steps=200, batch=256)}


def measure(work: Work) -> float:
    """Examples per second of steps inside a scan, compilation and a first chunk excluded."""
    task, batches = work.task(), jax.device_put(work.batches(np.random.default_rng(0)))
    chunk = jax.jit(lambda state, batches: jax.lax.scan(task.step, state, batches)[0], donate_argnums=0)
    state = jax.jit(task.init)(jax.random.key(0))
    return rate(partial(chunk, batches=batches), state, CHUNKS * work.steps * work.batch)


if __name__ == "__main__":
    main(WORKS, measure)
