"""Our side of ``lectern bench graphs``: ``python -m experiments.bench.graphs GRAPH.npz``.

Preset ``cora_gcn`` on the graph, 200 epochs in one compiled loop, as the peer takes them. Prints one JSON line, whose
``examples_per_second`` are epochs.
"""

import json
import sys
import time
from pathlib import Path

import jax

from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure
from train.feed import take

EPOCHS = 200


def epochs_per_second(path: Path) -> float:
    """Of the steps alone: the graph lies on the device, and the loop is compiled before."""
    experiment = load("citation_graph")
    settings = configure(experiment.settings(), experiment.card.presets["cora_gcn"] | {"data_dir": path, "patience": 0})
    run = prepare("citation_graph", "cora_gcn", settings)
    nodes = run.dataset.splits["train"]
    index = next(run.feed().read([(0, EPOCHS)]))[0]
    batches, context = jax.device_put((take(nodes, index), run.dataset.context))

    def epochs(state, batches, context):
        return jax.lax.scan(run.task_of()(context).step, state, batches)[0]

    state = jax.jit(run.task().init)(jax.random.key(0))
    compiled = jax.jit(epochs).lower(state, batches, context).compile()
    jax.block_until_ready(compiled(state, batches, context))
    started = time.perf_counter()
    jax.block_until_ready(compiled(state, batches, context))
    return EPOCHS / (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps({"examples_per_second": epochs_per_second(Path(sys.argv[1]))}))
