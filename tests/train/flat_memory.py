"""A program: 10,000 chunks of one step through the loop; prints resident kilobytes after 100 chunks and at the end."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import jax
import numpy as np
from tasks import at, batches, regression_task

from train.checkpoint import Checkpoints
from train.feed import resident_feed
from train.loop import LoopSettings, begin, train
from train.mesh import one_device
from train.metrics import MetricsWriter
from train.progress import Progress
from train.signals import Signals
from train.task import seed_keys

CHUNKS = 10_000


def resident_kilobytes():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


class Watching(Progress):
    """Reads the memory where a bar would move."""

    seen: dict[int, int]

    def update(self, done, metrics):
        if done in (100, CHUNKS):
            self.seen[done] = resident_kilobytes()


def main():
    loop = LoopSettings(steps=CHUNKS, batch_size=6, chunk=1, evaluate_every=500, save_every=500)
    examples = jax.tree.map(np.asarray, at(batches(1, 20), 0))
    state = jax.jit(jax.vmap(regression_task().init))(seed_keys([0]))
    progress = Watching("memory", 0, CHUNKS)
    progress.seen = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        train(
            lambda context: regression_task(),
            resident_feed(examples, [0], 6),
            begin(state, 1, loop),
            where=one_device(),
            loop=loop,
            seeds_by="map",
            monitor=lambda params: {"loss": np.ones(1)},
            monitored="loss",
            held_out="valid",
            writer=stack.enter_context(MetricsWriter(Path(folder), [0])),
            checkpoints=stack.enter_context(Checkpoints(Path(folder) / "checkpoints")),
            notes=dict,
            progress=progress,
            signals=stack.enter_context(Signals()),
        )
    print(json.dumps(progress.seen))


if __name__ == "__main__":
    main()
