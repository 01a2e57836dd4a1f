"""Steps of recurrent nets, for ``lectern bench sequences``: ``python -m experiments.bench.lstm NET``.

Prints one JSON line as ``experiments.bench.convolution`` does; ``peers/lstm_torch.py`` does the same work.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.bench.convolution import CHUNK, CHUNKS, main, rate
from models import recurrent_net
from models.recurrent_net import KINDS, RecurrentNet
from train.task import Task, supervised

FEATURES, UNITS, PLACES, BATCH = 32, 128, 100, 64
WORKS = {"lstm": KINDS["lstm"], "lstm-by-autodiff": KINDS["lstm"]._replace(fast=None)}
"""The LSTM as it runs, and its cell in the recurrence of any cell."""


def task() -> Task:
    """Descent by Adam on the squared error of one number, read at the end."""
    model = RecurrentNet(1, "lstm", units=UNITS)
    example = jnp.zeros((1, PLACES, FEATURES))

    def loss_fn(params, batch, keys):
        return (model.apply(params, batch["inputs"])["outputs"][:, 0] - batch["target"]) ** 2, {}

    return supervised(loss_fn, lambda key: model.init(key, example), optax.adam(1e-3))


def measure(kind: recurrent_net.Kind) -> float:
    """Sequences per second inside a scan, compilation and a first chunk excluded."""
    recurrent_net.KINDS["lstm"] = kind
    trained, rng = task(), np.random.default_rng(0)
    inputs = rng.normal(size=(CHUNK, BATCH, PLACES, FEATURES)).astype(np.float32)
    batches = jax.device_put({"inputs": inputs, "target": rng.normal(size=(CHUNK, BATCH)).astype(np.float32)})
    chunk = jax.jit(lambda state, batches: jax.lax.scan(trained.step, state, batches)[0], donate_argnums=0)
    return rate(partial(chunk, batches=batches), jax.jit(trained.init)(jax.random.key(0)), CHUNKS * CHUNK * BATCH)


if __name__ == "__main__":
    main(WORKS, measure)
