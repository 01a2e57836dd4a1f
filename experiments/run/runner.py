"""A run from its beginning, or from a checkpoint, to its summary: loop, evaluation, figures."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np

from experiments.plots.canvas import save
from experiments.plots.curves import run_curves
from experiments.run import run_folder
from experiments.run.provenance import differing_numerics, other_source, provenance
from experiments.run.reopening import SavedParams, changes_of_evaluation, restore, restored_params
from experiments.run.run import Run, first_seed
from experiments.run.run_folder import RunFolderError
from experiments.run.settings import as_json
from experiments.run.summary import cost_of_one, statistics, summarise
from experiments.run.transfer import transferred
from train.checkpoint import Checkpoints
from train.evaluation import whole_set_evaluator
from train.feed import size_of
from train.loop import Saved, train
from train.measures import average
from train.metrics import MetricsWriter, SilentWriter, missing_rows, read_rows
from train.processes import first_alone, gather, is_first, say
from train.progress import Progress
from train.signals import Signals
from train.trainable import Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def start(run: Run, workdir: Path, signals: Signals | None = None, *, freeze: Sequence[str] = ()) -> dict:
    """Trains a new run from its beginning; returns its summary. Raises ``Interrupted`` where ``signals`` say so.

    What ``freeze`` names of the parameters that it takes from another run stays as it was taken.
    """
    run, remarks = transferred(run, freeze)
    saved = run.beginning()
    with _training_in(workdir, run_folder.created(workdir, run.config())) as checkpoints:
        say(*run.dataset.remarks, *remarks, f"run folder  {workdir}")
        return _train_and_summarise(run, workdir, checkpoints, signals or Signals(), saved, 0.0)


@contextmanager
def _training_in(workdir: Path, held: AbstractContextManager[None]) -> Iterator[Checkpoints]:
    """The checkpoints of a folder that the first process holds while all of them train."""
    with ExitStack() as stack:
        first_alone(lambda: stack.enter_context(held))
        yield stack.enter_context(Checkpoints(workdir / "checkpoints"))


def resume(run: Run, workdir: Path, signals: Signals | None = None) -> dict:
    """Goes on from the newest intact checkpoint, or from the beginning where none was saved; returns the summary.

    A run that is finished stays as it is, unless settings of its evaluation changed: then it is evaluated anew.
    """
    signals = signals or Signals()
    with _training_in(workdir, run_folder.sole_writer(workdir)) as checkpoints:
        if not checkpoints.steps():
            say(*changes_of_evaluation(run_folder.read_config(workdir).settings, run))
            first_alone(lambda: run_folder.write_config(workdir, run.config()))
            run, _ = transferred(run)
            return _train_and_summarise(run, workdir, checkpoints, signals, run.beginning(), 0.0)
        if differing := differing_numerics(checkpoints.notes()):
            raise RunFolderError(f"{workdir} was trained {differing}: resume it with the same")
        restored = restore(run, workdir, checkpoints)
        if restored.step > run.settings.loop.steps:
            ahead = f"{workdir} is at step {restored.step:,} already"
            raise RunFolderError(f"{ahead}, beyond --steps {run.settings.loop.steps:,}")
        summary = run_folder.read_summary(workdir)
        if summary and _is_of(summary, run, restored.step):
            return summary
        for step in restored.damaged:
            checkpoints.discard(step)
        say(
            f"resuming {workdir} from step {restored.step:,}",
            *changes_of_evaluation(run_folder.read_config(workdir).settings, run),
            *filter(None, (other_source(restored.notes), missing_rows(workdir, restored.step))),
        )
        first_alone(lambda: run_folder.write_config(workdir, run.config()))
        return _train_and_summarise(run, workdir, checkpoints, signals, restored.tree, restored.notes["wall_seconds"])


def _is_of(summary: dict, run: Run, step: int) -> bool:
    """Whether a summary is of the run at this step, with the same evaluation."""
    asked, of_summary = run.settings.loop.steps, summary["config"]
    if summary.get("steps") != step:
        return False
    same_evaluation = not changes_of_evaluation(of_summary, run)
    return same_evaluation and asked in (of_summary.get("steps"), step)


def evaluate(run: Run, workdir: Path, step: int | None) -> tuple[SavedParams, dict]:
    """A saved step (by default the newest) and its test metrics, as in ``summary.json``; writes nothing."""
    saved = restored_params(run, workdir, step)
    return saved, statistics(run, measure_test_split(run, saved.params))


def measure_test_split(run: Run, params: Params, check: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
    """The experiment's metrics on the test split: {name: [seeds]}; calls ``check`` between batches."""
    experiment, settings, dataset = run.experiment, run.settings, run.dataset
    count = size_of(dataset.splits["test"]) * settings.seeds.seeds
    metric_of = run.metric_of(experiment.metrics)
    batch = run.answering_batch(metric_of, params)
    with Progress(f"{run.name} test", 0, count, thing="example", shown=is_first()) as progress:

        def seen(done: int) -> None:
            progress.update(done, {})
            check()

        measured = average(run.evaluator(metric_of, "test", batch=batch)(params, seen))
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
    measure = run.evaluator(run.metric_of(run.experiment.monitored_metrics), held_out)
    task_of = run.task_of()

    made_by = provenance()

    def notes() -> dict:
        if is_first():
            run_folder.check_present(workdir)
        return {
            "config": as_json(run.settings),
            "preset": run.preset,
            "fingerprint": run.dataset.fingerprint,
            "wall_seconds": time.perf_counter() - started,
            **made_by,
        }

    with (
        ThreadPoolExecutor(1) as beside,
        MetricsWriter(workdir, run.settings.seeds.all, first_step) if is_first() else SilentWriter() as writer,
        Progress(run.name, first_step, run.settings.loop.steps, shown=is_first()) as progress,
    ):
        cost = beside.submit(cost_of_one, run, jax.eval_shape(first_seed, saved.state.params))
        outcome = train(
            task_of,
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
    task, seconds = task_of(run.dataset.context), time.perf_counter() - started
    summary = summarise(run, task, outcome, metrics, cost=cost.result(), wall_seconds=seconds)
    first_alone(lambda: run_folder.write_json(workdir / run_folder.SUMMARY, summary))
    drawn = gather(first_seed(outcome.params))
    together = gather(outcome.params) if run.draws_seeds else None
    first_alone(lambda: _draw_or_say(run, workdir, drawn, together))
    return summary


def _draw_or_say(run: Run, workdir: Path, params: Params, of_seeds: Params | None) -> None:
    """Draws the figures of one seed and of all; one that cannot be drawn costs a line, as the result is safe."""
    try:
        draw_figures(run, workdir, params, workdir / "figures")
        if of_seeds is not None:
            draw_figures_of_seeds(run, of_seeds, workdir / "figures")
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        said = f"the figures could not be drawn ({reason}): the result is in {workdir / run_folder.SUMMARY}"
        print(f"{said}; `lectern draw {workdir}` draws them", file=sys.stderr)


def draw_figures(run: Run, workdir: Path, params: Params, folder: Path) -> None:
    """Writes the experiment's figures from the parameters of one seed, and the learning curve over all."""
    drawn = run.experiment.figures(run.settings, run.dataset, jax.device_put(params))
    monitored = run.experiment.monitored
    unit = run.experiment.units_of(run.settings).get(monitored, "")
    if curves := run_curves(list(read_rows(workdir)), monitored, unit=unit):
        drawn["learning_curves"] = curves
    _save_all(drawn, folder)


def draw_figures_of_seeds(run: Run, params: Params, folder: Path) -> None:
    """Writes the figures of an experiment that draws what the networks of all its seeds are together."""
    _save_all(run.experiment.figures_of_seeds(run.settings, run.dataset, jax.device_put(params)), folder)


def _save_all(figures: "Mapping[str, Figure]", folder: Path) -> None:
    with run_folder.writing(folder):
        for name, figure in figures.items():
            save(figure, folder / f"{name}.png")
