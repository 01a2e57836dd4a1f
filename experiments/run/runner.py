"""A run from its beginning, or from a checkpoint, to its summary: loop, evaluation, figures."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jax
import numpy as np

from experiments.plots.canvas import save
from experiments.plots.curves import learning_curves
from experiments.run import run_folder
from experiments.run.registry import load
from experiments.run.run import Run, first_seed
from experiments.run.run_folder import Config, RunFolderError
from experiments.run.settings import Settings, as_json, from_json
from experiments.run.summary import statistics, summarise
from train.checkpoint import Checkpoints, Restored
from train.evaluation import whole_set_evaluator
from train.feed import size_of
from train.loop import Saved, train
from train.measures import average
from train.metrics import MetricsWriter, SilentWriter, read_rows
from train.processes import first_alone, gather, is_first
from train.progress import Progress
from train.signals import Signals
from train.task import evaluation_params
from train.trainable import Params

FREE_TO_CHANGE = {"data_dir", "steps", "devices", "shard", "evaluation_batch"}
"""What may change when a run is resumed."""


def start(run: Run, workdir: Path, signals: Signals | None = None) -> dict:
    """Trains a new run from its beginning; returns its summary. Raises ``Interrupted`` where ``signals`` say so."""
    saved = run.beginning()
    first_alone(lambda: run_folder.create(workdir, run.config()))
    if is_first():
        print(*run.dataset.remarks, f"run folder  {workdir}", sep="\n", file=sys.stderr)
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
        if restored.step > run.settings.loop.steps:
            ahead = f"{workdir} is at step {restored.step:,} already"
            raise RunFolderError(f"{ahead}, beyond --steps {run.settings.loop.steps:,}")
        summary = run_folder.read_summary(workdir)
        if (
            summary
            and summary["steps"] == restored.step
            and run.settings.loop.steps in (summary["config"]["steps"], restored.step)
        ):
            return summary
        for step in restored.damaged:
            checkpoints.discard(step)
        first_alone(lambda: run_folder.write_config(workdir, run.config()))
        if is_first():
            print(f"resuming {workdir} from step {restored.step:,}", file=sys.stderr)
        return _train_and_summarise(run, workdir, checkpoints, signals, restored.tree, restored.notes["wall_seconds"])


def refuse_changes(workdir: Path, saved: dict, settings: Settings) -> None:
    """A run goes on with its own settings; only its length, the devices, and where the data are may change.

    The cosine schedule is a function of the number of steps, so with it that may not change either.
    """
    current = as_json(settings)
    free = FREE_TO_CHANGE - {"steps"} if current.get("schedule") == "cosine" else FREE_TO_CHANGE
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
    return restored.step, best.params if run.settings.loop.patience else evaluation_params(state)


def measure_test_split(run: Run, params: Params, check: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
    """The experiment's metrics on the test split: {name: [seeds]}; calls ``check`` between batches."""
    experiment, settings, dataset = run.experiment, run.settings, run.dataset
    count = size_of(dataset.splits["test"])
    with Progress(f"{run.name} test", 0, count, unit="examples", shown=is_first()) as progress:

        def seen(done: int) -> None:
            progress.update(done, {})
            check()

        measured = average(run.evaluator(experiment.metrics, "test")(params, seen))
    if experiment.evaluate_whole is None:
        return measured
    whole = whole_set_evaluator(experiment.evaluate_whole(settings, dataset), settings.seeds.all, where=run.where())
    return measured | whole(params)


def _train_and_summarise(
    run: Run, workdir: Path, checkpoints: Checkpoints, signals: Signals, saved: Saved, wall_seconds: float
) -> dict:
    started = time.perf_counter() - wall_seconds
    first_step = int(gather(saved.state.step)[0])
    held_out = run.dataset.held_out
    measure = run.evaluator(run.experiment.monitored_metrics, held_out)

    def notes() -> dict:
        return {
            "config": as_json(run.settings),
            "fingerprint": run.dataset.fingerprint,
            "wall_seconds": time.perf_counter() - started,
        }

    with (
        MetricsWriter(workdir, run.settings.seeds.all, first_step) if is_first() else SilentWriter() as writer,
        Progress(run.name, first_step, run.settings.loop.steps, shown=is_first()) as progress,
    ):
        outcome = train(
            run.task_of(),
            run.feed(),
            saved,
            where=run.where(),
            loop=run.settings.loop,
            seeds_by=run.settings.seeds.seeds_by,
            monitor=lambda params: average(measure(params)),
            held_out=held_out,
            monitored=run.experiment.monitored,
            writer=writer,
            checkpoints=checkpoints,
            notes=notes,
            progress=progress,
            signals=signals,
            context=run.dataset.context,
            scheduled=run.learning_rates(),
        )
        metrics = measure_test_split(run, outcome.params, lambda: signals.check(outcome.step))
        writer.write(outcome.step, "final", metrics)
    drawn = gather(first_seed(outcome.params))
    first_alone(lambda: draw_figures(run, workdir, drawn))
    signals.check(outcome.step)
    summary = summarise(run, outcome, metrics, time.perf_counter() - started)
    first_alone(lambda: run_folder.write_json(workdir / run_folder.SUMMARY, summary))
    return summary


def draw_figures(run: Run, workdir: Path, params: Params) -> None:
    """The experiment's figures from the parameters of one seed, and the learning curve over all."""
    drawn = run.experiment.figures(run.settings, run.dataset, jax.device_put(params))
    monitored = run.experiment.monitored
    unit = run.experiment.units.get(monitored, "")
    rows = [row for row in read_rows(workdir) if monitored in row]
    if rows:
        drawn["learning_curves"] = learning_curves({run.name: rows}, monitored, unit=unit)
    for name, figure in drawn.items():
        save(figure, workdir / "figures" / f"{name}.png")
