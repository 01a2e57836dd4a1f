"""One run from settings to summary: data, task, transforms, loop, evaluation, figures."""

import dataclasses
import importlib.metadata
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int

from experiments import run_folder
from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.figures import learning_curves, save
from experiments.registry import Experiment, Reference, load
from experiments.run_folder import Config, RunFolderError
from experiments.settings import Settings, as_json, from_json
from models.cost import layer_costs
from train.checkpoint import Checkpoints, Restored, tree_sha256
from train.evaluation import MetricFn, average, evaluator
from train.feed import Feed, resident_feed, size_of, streaming_feed, take
from train.loop import Outcome, Saved, begin, train
from train.mesh import Placement, TooFewDevices, local_mesh, placement
from train.metrics import MetricsWriter, SilentWriter, read_rows
from train.processes import first_alone, gather, is_first
from train.progress import Progress
from train.signals import Signals
from train.task import Batch, Params, State, Task, count_parameters, evaluation_params, seed_keys
from train.transforms import accumulate, average_parameters, ensemble

# What may differ from a preset without making a reference incomparable; the length of the training stands beside it.
WITHOUT_EFFECT = {"data_dir", "steps", "seed", "seeds", "seeds_by", "chunk", "evaluate_every", "save_every", "feed"}
WITHOUT_EFFECT |= {"evaluation_batch", "accumulate", "devices", "shard", "deterministic"}
# What may change when a run is resumed.
FREE_TO_CHANGE = {"data_dir", "steps", "devices", "shard"}
VERSIONED = ("lectern", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class Run(NamedTuple):
    """An experiment with its settings and data, ready to train."""

    name: str
    preset: str
    experiment: Experiment
    settings: Settings
    dataset: Dataset

    def config(self) -> Config:
        """What ``config.json`` says."""
        return Config(self.name, self.preset, as_json(self.settings))

    def task(self) -> Task:
        """The task, of one seed."""
        task = self.experiment.task(self.settings, self.dataset)
        if self.settings.accumulate > 1:
            task = accumulate(task, self.settings.accumulate)
        decay = self.settings.average_decay
        return average_parameters(task, decay) if decay else task

    def where(self) -> Placement:
        """The devices, and what lies on which; ``TooFewDevices`` where there are not so many."""
        return placement(self.settings.shard, local_mesh(self.settings.devices))

    def beginning(self) -> Saved:
        """The state of all seeds before the first step."""
        where = self.where()
        task = ensemble(where.task(self.task()), how=self.settings.seeds_by)

        def make(seeds: Int[Array, " seeds"]) -> Saved:
            return begin(task.init(jax.vmap(jax.random.key)(seeds)), self.settings.seeds, self.settings)

        seeds = np.asarray(self.settings.all_seeds, np.int32)
        return jax.jit(make, out_shardings=where.state(jax.eval_shape(make, seeds)))(seeds)


def prepare(name: str, preset: str, settings: Settings) -> Run:
    """Loads the data; raises ``DataError`` where it cannot be had, ``WrongInput`` where devices are missing."""
    experiment = load(name)
    run = Run(name, preset, experiment, settings, experiment.data(settings))
    try:
        run.where()
    except TooFewDevices as error:
        raise WrongInput(str(error)) from error
    return run


def start(run: Run, workdir: Path, signals: Signals | None = None) -> dict:
    """Trains a new run from its beginning; returns its summary. Raises ``Interrupted`` where ``signals`` say so."""
    saved = run.beginning()
    first_alone(lambda: run_folder.create(workdir, run.config()))
    if is_first():
        print(f"run folder  {workdir}", file=sys.stderr)
    with _training_in(workdir) as checkpoints:
        return _train_and_summarise(run, workdir, checkpoints, signals or Signals(), saved, 0.0)


@contextmanager
def _training_in(workdir: Path) -> Iterator[Checkpoints]:
    with ExitStack() as stack:
        first_alone(lambda: stack.enter_context(run_folder.sole_writer(workdir)))
        yield stack.enter_context(Checkpoints(workdir / "checkpoints"))


def reopen(workdir: Path) -> tuple[Config, Settings]:
    """The config of an existing run; ``RunFolderError`` where the folder holds none, or one of another version."""
    config = run_folder.read_config(workdir)
    try:
        return config, from_json(load(config.experiment).settings, config.settings)
    except (ValueError, TypeError) as error:
        raise RunFolderError(f"{workdir}: {error}") from error


def resume(run: Run, workdir: Path, signals: Signals | None = None) -> dict:
    """Goes on from the newest intact checkpoint, or from the beginning where none was saved; returns the summary.

    A run that is finished stays as it is.
    """
    signals = signals or Signals()
    with _training_in(workdir) as checkpoints:
        if not checkpoints.steps():
            return _train_and_summarise(run, workdir, checkpoints, signals, run.beginning(), 0.0)
        restored = _restore(run, workdir, checkpoints)
        if restored.step > run.settings.steps:
            ahead = f"{workdir} is at step {restored.step:,} already"
            raise RunFolderError(f"{ahead}, beyond --steps {run.settings.steps:,}")
        summary = run_folder.read_summary(workdir)
        if (
            summary
            and summary["steps"] == restored.step
            and run.settings.steps in (summary["config"]["steps"], restored.step)
        ):
            return summary
        for step in restored.damaged:
            checkpoints.discard(step)
        first_alone(lambda: run_folder.write_config(workdir, run.config()))
        if is_first():
            print(f"resuming {workdir} from step {restored.step:,}", file=sys.stderr)
        return _train_and_summarise(run, workdir, checkpoints, signals, restored.tree, restored.notes["wall_seconds"])


def refuse_changes(workdir: Path, saved: dict, settings: Settings) -> None:
    """A run goes on with its own settings; only the number of steps, the devices and the place of the data may change.

    The cosine schedule is a function of the number of steps, so with it that may not change either.
    """
    current = as_json(settings)
    free = FREE_TO_CHANGE - {"steps"} if settings.schedule == "cosine" else FREE_TO_CHANGE
    differing = [
        f"{name} ({saved.get(name)} → {current.get(name)})"
        for name in sorted(saved.keys() | current.keys())
        if saved.get(name) != current.get(name) and name not in free
    ]
    if differing:
        advice = "resume it unchanged, or start a new run with `lectern run`"
        raise RunFolderError(f"{workdir} was trained with another config: {', '.join(differing)}; {advice}")


def _restore(run: Run, workdir: Path, checkpoints: Checkpoints, step: int | None = None) -> Restored:
    """A checkpoint of this run's config and data; says which newer ones are damaged."""
    if notes := checkpoints.notes():
        refuse_changes(workdir, notes["config"], run.settings)
        if notes["fingerprint"] != run.dataset.fingerprint:
            other = f"{workdir} was trained on other data than {run.dataset.name} ({run.dataset.protocol})"
            raise RunFolderError(f"{other}: its fingerprint was {notes['fingerprint']}")
    restored = checkpoints.restore(run.beginning(), step)
    for damaged, reason in restored.damaged.items():
        print(f"checkpoint {damaged} is damaged and was passed over: {reason}", file=sys.stderr)
    return restored


def evaluate(run: Run, workdir: Path, step: int | None) -> tuple[int, dict]:
    """A saved step (by default the newest) and its test metrics, as in ``summary.json``; writes nothing."""
    step, params = restored_params(run, workdir, step)
    return step, statistics(run, measure_test_split(run, params))


def restored_params(run: Run, workdir: Path, step: int | None = None) -> tuple[int, Params]:
    """A saved step (by default the newest) and the parameters that are evaluated then, with a leading axis of seeds;
    writes nothing. ``CheckpointError`` where there is none, ``RunFolderError`` where it is another run's.
    """
    with Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        restored = _restore(run, workdir, checkpoints, step)
    state, best = restored.tree
    return restored.step, best.params if run.settings.patience else evaluation_params(state)


def measure_test_split(run: Run, params: Params, check: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
    """The experiment's metrics on the test split: {name: [seeds]}; calls ``check`` between batches."""
    examples = run.dataset.splits["test"]
    with Progress(f"{run.name} test", 0, size_of(examples), unit="examples", shown=is_first()) as progress:

        def seen(done: int) -> None:
            progress.update(done, {})
            check()

        return average(_evaluator(run, run.experiment.evaluate, "test")(params, seen))


def _evaluator(run: Run, metrics: MetricFn, split: str):
    metric_fn, settings = metrics(run.settings, run.dataset), run.settings
    examples, where = run.dataset.splits[split], run.where()
    return evaluator(metric_fn, examples, settings.all_seeds, batch=settings.evaluation_batch, where=where)


def make_feed(run: Run) -> Feed:
    """Arrays stay on the device; sources, and arrays where asked for, are streamed, each process its part."""
    examples, settings = run.dataset.splits["train"], run.settings
    if isinstance(examples, dict) and settings.feed == "resident":
        return resident_feed(examples, settings.all_seeds, settings.batch_size)
    part = (0, 1) if settings.shard == "seeds" else (jax.process_index(), jax.process_count())
    return streaming_feed(examples, settings.all_seeds, settings.batch_size, part=part)


def _train_and_summarise(
    run: Run, workdir: Path, checkpoints: Checkpoints, signals: Signals, saved: Saved, wall_seconds: float
) -> dict:
    started = time.perf_counter() - wall_seconds
    first_step = int(gather(saved.state.step)[0])
    measure = _evaluator(run, lambda *given: _with_loss(run.experiment.monitor(*given)), run.settings.held_out)

    def notes() -> dict:
        return {
            "config": as_json(run.settings),
            "fingerprint": run.dataset.fingerprint,
            "wall_seconds": time.perf_counter() - started,
        }

    with (
        MetricsWriter(workdir, run.settings.all_seeds, first_step) if is_first() else SilentWriter() as writer,
        Progress(run.name, first_step, run.settings.steps, shown=is_first()) as progress,
    ):
        outcome = train(
            run.task(),
            make_feed(run),
            saved,
            where=run.where(),
            rhythm=run.settings,
            seeds_by=run.settings.seeds_by,
            monitor=lambda params: average(measure(params)),
            held_out=run.settings.held_out,
            monitored=run.experiment.monitored,
            writer=writer,
            checkpoints=checkpoints,
            notes=notes,
            progress=progress,
            signals=signals,
        )
        metrics = measure_test_split(run, outcome.params, lambda: signals.check(outcome.step))
        writer.write(outcome.step, "final", metrics)
    first_seed = gather(jax.tree.map(lambda leaf: leaf[0], outcome.params))
    first_alone(lambda: draw_figures(run, workdir, first_seed))
    signals.check(outcome.step)
    summary = summarise(run, outcome, metrics, time.perf_counter() - started)
    first_alone(lambda: run_folder.write_json(workdir / run_folder.SUMMARY, summary))
    return summary


def _with_loss(loss_fn: MetricFn) -> MetricFn:
    """A loss function's losses and metrics as one table of metrics."""

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        return {"loss": losses, **metrics}

    return metric_fn


def draw_figures(run: Run, workdir: Path, params: Params) -> None:
    """The experiment's figures from the parameters of one seed, and the learning curve over all."""
    drawn = run.experiment.figures(run.settings, run.dataset, jax.tree.map(jax.numpy.asarray, params))
    monitored = run.experiment.monitored
    unit = run.experiment.units.get(monitored, "")
    rows = [row for row in read_rows(workdir) if monitored in row]
    if rows:
        drawn["learning_curves"] = learning_curves({run.name: rows}, monitored, unit=unit)
    for name, figure in drawn.items():
        save(figure, workdir / "figures" / f"{name}.png")


def summarise(run: Run, outcome: Outcome, metrics: dict[str, np.ndarray], wall_seconds: float) -> dict:
    """The content of ``summary.json``."""
    settings, dataset = run.settings, run.dataset
    config = as_json(settings)
    config.pop("data_dir", None)  # where the data lay is no part of the result; the fingerprint is
    examples = outcome.steps_taken * settings.batch_size * settings.seeds
    one = jax.eval_shape(lambda state: jax.tree.map(lambda leaf: leaf[0], state), outcome.state)
    measured, departs = statistics(run, metrics), departures(run)
    return {
        "experiment": run.name,
        "preset": run.preset,
        "config": config,
        "seeds": list(settings.all_seeds),
        "steps": outcome.step,
        "stopped_early": outcome.stopped_early,
        "epochs": round(outcome.step * settings.batch_size / size_of(dataset.splits["train"]), 2),
        "dataset": {"name": dataset.name, "protocol": dataset.protocol, "fingerprint": dataset.fingerprint},
        "metrics": measured,
        "references": [_compared(r, measured, departs) for r in run.experiment.references if r.preset == run.preset],
        "wall_seconds": round(wall_seconds, 2),
        "compile_seconds": round(outcome.compile_seconds, 2),
        "examples_per_second": round(examples / outcome.train_seconds) if outcome.steps_taken else None,
        "parameters": count_parameters(outcome.params, run.task().trainable) // settings.seeds,
        "flops_per_step": flops_per_step(run, one),
        "cost": cost(run, one.params),
        "device": device(run),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONED}
        | {"python": platform.python_version()},
        "commit": run_folder.commit(),
        "state_sha256": tree_sha256(outcome.state),
    }


def statistics(run: Run, metrics: dict[str, np.ndarray]) -> dict:
    """Mean and sample standard deviation over seeds by metric; null for what is not finite, as JSON has no NaN."""
    return {name: _statistics(values, run.experiment.units.get(name, "")) for name, values in metrics.items()}


def _statistics(values: np.ndarray, unit: str) -> dict:
    finite = bool(np.isfinite(values).all())
    return {
        "mean": float(values.mean()) if finite else None,
        "std": float(values.std(ddof=1)) if finite and len(values) > 1 else None,
        "values": [value if math.isfinite(value) else None for value in values.tolist()],
        "unit": unit,
    }


def departures(run: Run) -> list[str]:
    """The settings in which a run departs from its preset: those that may change a metric, but for the length."""
    preset = dataclasses.replace(run.experiment.settings(), **run.experiment.presets[run.preset])
    ours, theirs = as_json(run.settings), as_json(preset)
    return [name for name in ours if ours[name] != theirs[name] and name not in WITHOUT_EFFECT]


def _compared(reference: Reference, measured: dict, departs: list[str]) -> dict:
    """A published figure beside ours; the difference only where the run kept to the preset."""
    ours = measured[reference.metric]["mean"]
    difference = None if ours is None or departs else ours - reference.value
    return reference._asdict() | {"ours": ours, "difference": difference, "departs_in": departs}


def flops_per_step(run: Run, state: State) -> float | None:
    """Floating-point operations of one seed's step, by XLA's own count; None where the backend does not count."""
    batch = take(run.dataset.splits["train"], np.zeros(run.settings.batch_size, np.int32))
    costs = jax.jit(run.task().step).lower(state, batch).cost_analysis()
    return float(costs["flops"]) if costs and "flops" in costs else None


def cost(run: Run, params: Params) -> dict:
    """What the loss of one example costs, by the formulas of its layers and by XLA's own count of the same."""
    loss_fn = run.experiment.monitor(run.settings, run.dataset)
    example = take(run.dataset.splits["train"], np.zeros(1, np.int32))

    def loss(params: Params, example: Batch) -> Array:
        return loss_fn(params, example, seed_keys([0]))[0]

    rows = layer_costs(loss, params, example)
    counted = jax.jit(loss).lower(params, example).cost_analysis()
    return {
        "parameters": sum(row.parameters for row in rows),
        "flops_by_formula": sum(row.flops or 0 for row in rows),
        "flops_by_xla": float(counted["flops"]) if counted and "flops" in counted else None,
        "layers": [{"layer": row.path, "parameters": row.parameters, "flops": row.flops} for row in rows],
    }


def device(run: Run) -> str:
    """What trained: platform, number of devices, and the chip's name."""
    devices = run.where().mesh.devices.flat
    name = devices[0].device_kind
    if devices[0].platform == "cpu":
        name = _processor() or platform.machine()
    return f"{devices[0].platform} ×{len(devices)} ({name})"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return platform.processor()
    lines = information.read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
