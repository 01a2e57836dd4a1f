"""What ``lectern bench`` runs in processes of their own: ``python -m experiments.bench.programs PROGRAM DATA``.

Each prints one JSON line with ``examples_per_second``. DATA is an ``.npy`` file of binary images [N, 784], the same
that the peers read.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from experiments.bench.bench import bench_labels
from experiments.datasets import Dataset
from experiments.run.registry import load
from experiments.run.run import Run
from experiments.run.settings import configure
from train.checkpoint import Checkpoints
from train.feed import take
from train.loop import train
from train.metrics import MetricsWriter
from train.progress import Progress
from train.signals import Signals
from train.task import evaluation_params

STEPS, CHUNK, BATCH = 4000, 50, 128
LIKELIHOOD_SAMPLES, LIKELIHOOD_BATCH = 50, 250
CLASSIFIER_STEPS, CLASSIFIER_BATCH = 25_000, 20
MLP = {"network": "mlp", "widths": (512,), "latent": 16}
IWAE = MLP | {"objective": "iwae", "samples": 5}
ONE_CODE = {"network": "mlp", "widths": (512,), "positions": 1, "dimensions": 16, "codes": 512}
CONV = {"network": "conv", "widths": (32, 64), "latent": 16}


def bench_run(images: np.ndarray, **fields: object) -> Run:
    """The VAE experiment on ``images`` as they are, with one evaluation and one checkpoint at the end."""
    return _run_of("vae", images, binarization="none", importance_samples=1, **fields)


def quantized_run(images: np.ndarray) -> Run:
    """Experiment vqvae on ``images``, whose bits are drawn once already."""
    return _run_of("vqvae", images, likelihood="bernoulli", binarization="static", steps=STEPS, **ONE_CODE)


def _run_of(name: str, images: np.ndarray, **fields: object) -> Run:
    experiment = load(name)
    settings = configure(experiment.settings(), batch_size=BATCH, chunk=CHUNK, **fields)
    settings = configure(settings, evaluate_every=settings.loop.steps, save_every=settings.loop.steps)
    shaped = images.reshape(-1, 28, 28, 1)
    splits = {"train": {"image": shaped}, "valid": {"image": shaped[:250]}, "test": {"image": shaped[:250]}}
    return Run(name, "bench", experiment, settings, Dataset("bench", "bench", "none", splits, levels=2, classes=10))


def classifier_run(images: np.ndarray) -> Run:
    """The preset ``tutorial`` of experiment mlp, 784-500-10 by SGD in batches of 20, on ``images``."""
    experiment = load("mlp")
    preset = experiment.card.all_presets["tutorial"] | {"steps": CLASSIFIER_STEPS, "evaluate_every": CLASSIFIER_STEPS}
    settings = configure(experiment.settings(), preset | {"save_every": CLASSIFIER_STEPS, "chunk": 500, "patience": 0})
    examples = {"image": images.reshape(-1, 28, 28, 1), "label": bench_labels(len(images))}
    splits = {"train": examples, "valid": take(examples, np.arange(250)), "test": take(examples, np.arange(250))}
    return Run("mlp", "bench", experiment, settings, Dataset("bench", "bench", "none", splits, levels=2, classes=10))


def whole_run(run: Run) -> float:
    """Examples per second of a run through the engine: metrics, TensorBoard and checkpoints in, compilation out."""
    steps = run.settings.loop.steps
    feed, saved = run.feed(), run.beginning()
    with (
        tempfile.TemporaryDirectory() as folder,
        Checkpoints(Path(folder) / "checkpoints") as checkpoints,
        MetricsWriter(Path(folder), run.settings.seeds.all) as writer,
        Progress("bench", 0, steps, seconds_between_lines=60.0) as progress,
        Signals() as signals,
    ):
        started = time.perf_counter()
        outcome = train(
            run.task_of(),
            feed,
            saved,
            where=run.where(),
            loop=run.settings.loop,
            seeds_by="map",
            monitor=lambda params: {},
            held_out="valid",
            monitored="loss",
            writer=writer,
            checkpoints=checkpoints,
            notes=dict,
            progress=progress,
            signals=signals,
        )
        seconds = time.perf_counter() - started
    return steps * run.settings.loop.batch_size / (seconds - outcome.compile_seconds)


def importance_weighted(images: np.ndarray) -> float:
    """Examples per second whose log-likelihood is estimated, each by 50 samples of the posterior."""
    run = _run_of("vae", images, binarization="none", importance_samples=LIKELIHOOD_SAMPLES, **MLP)
    measure = run.evaluator(run.metric_of(run.experiment.metrics), "train", batch=LIKELIHOOD_BATCH)
    params = evaluation_params(run.beginning().state)
    measure(params)
    started = time.perf_counter()
    measure(params)
    return len(images) / (time.perf_counter() - started)


def hand_written_scan(images: np.ndarray) -> float:
    """Examples per second of the same steps and losses in a bare ``lax.scan``: nothing is looked at or written."""
    run = bench_run(images, steps=STEPS, **MLP)
    step = run.task().step
    data = jax.device_put(run.dataset.splits["train"])

    def chunk(state, index):
        return jax.lax.scan(lambda s, i: step(s, {"image": data["image"][i]}), state, index)

    index = next(run.feed().read([(0, STEPS)]))[0].reshape(-1, CHUNK, BATCH)
    state = jax.jit(run.task().init)(jax.random.key(0))
    compiled = jax.jit(chunk, donate_argnums=0).lower(state, index[0]).compile()
    return _rate(lambda: _through(lambda s, i: compiled(s, i)[0], state, index), STEPS)


def conv_scanned(images: np.ndarray) -> float:
    """Examples per second of the convolutional VAE's step inside a scan."""
    run, state, batches = _conv(images)
    compiled = jax.jit(lambda s, b: jax.lax.scan(run.task().step, s, b)[0]).lower(state, batches).compile()
    return _rate(lambda: compiled(state, batches), _CONV_STEPS)


def conv_stepwise(images: np.ndarray) -> float:
    """Examples per second of the same step called one by one."""
    run, state, batches = _conv(images)
    each = [jax.tree.map(lambda leaf, t=t: leaf[t], batches) for t in range(_CONV_STEPS)]
    compiled = jax.jit(lambda s, b: run.task().step(s, b)[0]).lower(state, each[0]).compile()
    return _rate(lambda: _through(compiled, state, each), _CONV_STEPS)


_CONV_STEPS = 10


def _conv(images: np.ndarray):
    run = bench_run(images, steps=_CONV_STEPS, **CONV)
    index = next(run.feed().read([(0, _CONV_STEPS)]))[0]
    batches = jax.device_put(take(run.dataset.splits["train"], index))
    return run, jax.jit(run.task().init)(jax.random.key(0)), batches


def _through(compiled: Callable, state, elements):
    for element in elements:
        state = compiled(state, element)
    return state


def _rate(call: Callable, steps: int) -> float:
    started = time.perf_counter()
    jax.block_until_ready(jax.tree.leaves(call())[0])
    return steps * BATCH / (time.perf_counter() - started)


PROGRAMS = {
    "engine": lambda images: whole_run(bench_run(images, steps=STEPS, **MLP)),
    "likelihood": importance_weighted,
    "iwae": lambda images: whole_run(bench_run(images, steps=STEPS, **IWAE)),
    "vqvae": lambda images: whole_run(quantized_run(images)),
    "stream": lambda images: whole_run(bench_run(images, steps=STEPS, feed="stream", **MLP)),
    "classifier": lambda images: whole_run(classifier_run(images)),
    "scan": hand_written_scan,
    "conv-scanned": conv_scanned,
    "conv-stepwise": conv_stepwise,
}

if __name__ == "__main__":
    rate = PROGRAMS[sys.argv[1]](np.load(sys.argv[2], allow_pickle=False))
    print(json.dumps({"examples_per_second": rate}))
