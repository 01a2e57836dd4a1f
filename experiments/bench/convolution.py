"""Steps of convolutional nets, for ``lectern bench convolution``: ``python -m experiments.bench.convolution NET``.

Prints one JSON line with ``examples_per_second`` and ``megabytes``, the memory at its highest above that after imports.
``peers/convolution_torch.py`` does the same work.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from experiments.bench.rules import RULES, leave_out
from experiments.objectives.classification import classification_losses
from models.batch_norm import COLLECTION
from models.convnets.pattern_net import pattern_net
from models.convnets.resnet import cifar_resnet
from train.statistics import moving_average
from train.task import Task, supervised

THREE_LAYERS = "[CONV 32 → RELU → POOL] → [CONV 64 → RELU → POOL] → [CONV 64 → RELU] → FC"
LENET = "[CONV 20 5x5 padding 0 → POOL → TANH] → [CONV 50 5x5 padding 0 → POOL → TANH] → FC 500 → TANH → FC"
"""Of LISA's tutorial."""
CHUNK, CHUNKS = 20, 3


class Work(NamedTuple):
    """A net, and the batches that it is trained on."""

    network: Callable[[], nn.Module]
    image: tuple[int, int, int]
    batch: int


WORKS = {
    "three-layers": Work(partial(pattern_net, THREE_LAYERS, 10), (28, 28, 1), 128),
    "resnet20": Work(partial(cifar_resnet, 20), (32, 32, 3), 128),
    "lenet": Work(partial(pattern_net, LENET, 10), (28, 28, 1), 500),
}


def task_of(work: Work) -> Task:
    """Descent with momentum on the cross-entropy; running statistics follow where there are some."""
    model, example = work.network(), jnp.zeros((1, *work.image))

    def loss_fn(params, batch, keys):
        logits, observed = model.apply(params, batch["image"], training=True, mutable=[COLLECTION])
        losses = classification_losses(logits, batch["label"], loss="cross_entropy")
        return (*losses, observed[COLLECTION]) if observed else losses

    has_statistics = COLLECTION in jax.eval_shape(model.init, jax.random.key(0), example)
    follow = moving_average(COLLECTION, 0.9) if has_statistics else None
    return supervised(loss_fn, lambda key: model.init(key, example), optax.sgd(0.01, momentum=0.9), follow)


def batches_of(work: Work) -> dict[str, np.ndarray]:
    """One chunk of batches of noise."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(CHUNK, work.batch, *work.image)).astype(np.float32)
    return {"image": images, "label": rng.integers(10, size=(CHUNK, work.batch)).astype(np.int32)}


def measure(work: Work) -> float:
    """Examples per second of steps inside a scan, compilation and a first chunk excluded."""
    task = task_of(work)
    batches = jax.device_put(batches_of(work))
    chunk = jax.jit(lambda state, batches: jax.lax.scan(task.step, state, batches)[0], donate_argnums=0)
    return rate(partial(chunk, batches=batches), jax.jit(task.init)(jax.random.key(0)), CHUNKS * CHUNK * work.batch)


def rate(chunk: Callable[[Any], Any], state: Any, examples: int) -> float:
    """Examples per second of CHUNKS calls after a first one."""
    state = jax.block_until_ready(chunk(state))
    started = time.perf_counter()
    for _ in range(CHUNKS):
        state = chunk(state)
    jax.block_until_ready(state)
    return examples / (time.perf_counter() - started)


def main(works: Mapping[str, Any], measure: Callable[[Any], float]) -> None:
    """Measure the work that the command line names, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--without", choices=RULES, help="the rule that is left out")
    args = parser.parse_args()
    if args.without:
        leave_out(args.without)
    imported = peak_megabytes()
    examples_per_second = measure(works[args.work])
    print(json.dumps({"examples_per_second": examples_per_second, "megabytes": peak_megabytes() - imported}))


def peak_megabytes() -> float:
    """The resident memory of this process at its highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(WORKS, measure)
