"""One run from settings to summary: data, task, transforms, loop, evaluation, figures."""

import dataclasses
import importlib.metadata
import math
import platform
import sys
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from experiments import run_folder
from experiments.datasets import Dataset
from experiments.figures import learning_curves, save
from experiments.registry import Experiment, Reference, load
from experiments.run_folder import Config, RunFolderError
from experiments.settings import Settings, as_json, from_json
from train.checkpoint import Checkpoints, Restored, tree_sha256
from train.evaluation import MetricFn, average, evaluator
from train.feed import Feed, resident_feed, size_of, streaming_feed, take
from train.loop import Outcome, Saved, begin, train
from train.metrics import MetricsWriter, read_rows
from train.progress import Progress
from train.task import Params, Task, count_parameters, evaluation_params, seed_keys
from train.transforms import accumulate, average_parameters, ensemble

# What may differ from a preset without making a reference incomparable; the length of the training stands beside it.
WITHOUT_EFFECT = {"data_dir", "steps", "seed", "seeds", "seeds_by", "chunk", "evaluate_every", "save_every", "feed"}
WITHOUT_EFFECT |= {"evaluation_batch", "accumulate"}
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

    def beginning(self) -> Saved:
        """The state of all seeds before the first step."""
        state = jax.jit(ensemble(self.task(), how=self.settings.seeds_by).init)(seed_keys(self.settings.all_seeds))
        return begin(state, self.settings.seeds, self.settings)


def prepare(name: str, preset: str, settings: Settings) -> Run:
    """Loads the data; raises ``DataError`` where it cannot be had."""
    experiment = load(name)
    return Run(name, preset, experiment, settings, experiment.data(settings))


def start(run: Run, workdir: Path) -> dict:
    """Trains a new run from its beginning; returns its summary."""
    run_folder.check_new(workdir)
    saved = run.beginning()
    run_folder.create(workdir, run.config())
    print(f"run folder  {workdir}", file=sys.stderr)
    with run_folder.sole_writer(workdir), Checkpoints(workdir / "checkpoints") as checkpoints:
        return _train_and_summarise(run, workdir, checkpoints, saved, 0.0)


def reopen(workdir: Path) -> tuple[Config, Settings]:
    """The config of an existing run; ``RunFolderError`` where the folder holds none, or one of another version."""
    config = run_folder.read_config(workdir)
    try:
        return config, from_json(load(config.experiment).settings, config.settings)
    except (ValueError, TypeError) as error:
        raise RunFolderError(f"{workdir}: {error}") from error


def resume(run: Run, workdir: Path) -> dict:
    """Goes on from the newest intact checkpoint, or from the beginning where none was saved; returns the summary.

    A run that is finished stays as it is.
    """
    with run_folder.sole_writer(workdir), Checkpoints(workdir / "checkpoints") as checkpoints:
        if not checkpoints.steps():
            return _train_and_summarise(run, workdir, checkpoints, run.beginning(), 0.0)
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
        run_folder.write_config(workdir, run.config())
        print(f"resuming {workdir} from step {restored.step:,}", file=sys.stderr)
        return _train_and_summarise(run, workdir, checkpoints, restored.tree, restored.notes["wall_seconds"])


def refuse_changes(workdir: Path, saved: dict, settings: Settings) -> None:
    """A run goes on with its own settings; only the number of steps and the place of the data may change.

    The cosine schedule is a function of the number of steps, so with it that may not change either.
    """
    current = as_json(settings)
    free = {"data_dir"} if settings.schedule == "cosine" else {"data_dir", "steps"}
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
    with Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        restored = _restore(run, workdir, checkpoints, step)
    state, best = restored.tree
    metrics = measure_test_split(run, best.params if run.settings.patience else evaluation_params(state))
    return restored.step, statistics(run, metrics)


def measure_test_split(run: Run, params: Params) -> dict[str, np.ndarray]:
    """The experiment's metrics on the test split: {name: [seeds]}."""
    examples = run.dataset.splits["test"]
    with Progress(f"{run.name} test", 0, size_of(examples), unit="examples") as progress:
        return average(_evaluator(run, run.experiment.evaluate, "test")(params, progress))


def _evaluator(run: Run, metrics: MetricFn, split: str):
    seeds = seed_keys(run.settings.all_seeds)
    metric_fn = metrics(run.settings, run.dataset)
    return evaluator(metric_fn, run.dataset.splits[split], seeds, batch=run.settings.evaluation_batch)


def make_feed(run: Run) -> Feed:
    """Arrays stay on the device; sources, and arrays where asked for, are streamed."""
    examples, settings = run.dataset.splits["train"], run.settings
    if isinstance(examples, dict) and settings.feed == "resident":
        return resident_feed(examples, settings.all_seeds, settings.batch_size)
    return streaming_feed(examples, settings.all_seeds, settings.batch_size)


def _train_and_summarise(run: Run, workdir: Path, checkpoints: Checkpoints, saved: Saved, wall_seconds: float) -> dict:
    started = time.perf_counter() - wall_seconds
    first_step = int(saved.state.step[0])
    measure = _evaluator(run, lambda *given: _with_loss(run.experiment.monitor(*given)), run.settings.held_out)

    def notes() -> dict:
        return {
            "config": as_json(run.settings),
            "fingerprint": run.dataset.fingerprint,
            "wall_seconds": time.perf_counter() - started,
        }

    with (
        MetricsWriter(workdir, run.settings.all_seeds, first_step) as writer,
        Progress(run.name, first_step, run.settings.steps) as progress,
    ):
        outcome = train(
            run.task(),
            make_feed(run),
            saved,
            rhythm=run.settings,
            seeds_by=run.settings.seeds_by,
            monitor=lambda params: average(measure(params)),
            held_out=run.settings.held_out,
            monitored=run.experiment.monitored,
            writer=writer,
            checkpoints=checkpoints,
            notes=notes,
            progress=progress,
        )
        metrics = measure_test_split(run, outcome.params)
        writer.write(outcome.step, "final", metrics)
    draw_figures(run, workdir, outcome.params)
    summary = summarise(run, outcome, metrics, time.perf_counter() - started)
    run_folder.write_json(workdir / run_folder.SUMMARY, summary)
    return summary


def _with_loss(loss_fn: MetricFn) -> MetricFn:
    """A loss function's losses and metrics as one table of metrics."""

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        return {"loss": losses, **metrics}

    return metric_fn


def draw_figures(run: Run, workdir: Path, params: Params) -> None:
    """The experiment's figures for the first seed, and the learning curve over all."""
    first = jax.tree.map(lambda leaf: leaf[0], params)
    drawn = run.experiment.figures(run.settings, run.dataset, first)
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
    one = jax.tree.map(lambda leaf: leaf[0], outcome.state)
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
        "parameters": count_parameters(one.params),
        "flops_per_step": flops_per_step(run, one),
        "device": device(),
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


def flops_per_step(run: Run, state: PyTree) -> float | None:
    """Floating-point operations of one seed's step, by XLA's own count; None where the backend does not count."""
    batch = take(run.dataset.splits["train"], np.zeros(run.settings.batch_size, np.int32))
    costs = jax.jit(run.task().step).lower(state, batch).cost_analysis()
    return float(costs["flops"]) if costs and "flops" in costs else None


def device() -> str:
    """What trained: platform, number of devices, and the chip's name."""
    devices = jax.devices()
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
