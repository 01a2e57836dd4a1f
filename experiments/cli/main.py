"""The command line. Nothing heavy is imported before a command needs it."""

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from experiments.cli.parser import parser
from experiments.errors import WrongInput

if TYPE_CHECKING:
    from experiments.run.settings import Settings
    from train.signals import Signals

DONE, FAILED, WRONG, DIVERGED = 0, 1, 2, 3
_DETERMINISTIC = "--xla_gpu_deterministic_ops=true --xla_gpu_enable_scatter_determinism_expander=true"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0 done, 2 wrong command, 3 diverged, 128 + n stopped by signal n."""
    try:
        given, flags = parser(DOES).parse_known_args(arguments)
        if flags and given.does not in (_run, _resume):
            given.parser.error(f"unknown flag {flags[0]}")
        return given.does(given, flags)
    except WrongInput as error:
        print(f"lectern: {error}", file=sys.stderr)
        return WRONG


def _list(given: argparse.Namespace, _: list[str]) -> int:
    from experiments.cli.listing import print_all, print_one
    from experiments.run.registry import entries, entry

    found = entries() if given.name is None else [entry(given.name)]
    if given.json:
        print(json.dumps({"experiments": [each.as_json() for each in found]}, indent=2))
    elif given.name is None:
        print_all(found)
    else:
        print_one(found[0])
    return DONE


def _run(given: argparse.Namespace, flags: list[str]) -> int:
    if given.help and given.name is None:
        given.parser.print_help()
        return DONE
    if given.name is None:
        raise WrongInput("which experiment? type `lectern list` to see them, then `lectern run NAME`")
    _cache_compilations()
    from experiments.cli.flags import parse_flags, replace
    from experiments.run.registry import load, nearest

    experiment = load(given.name)
    presets = experiment.card.all_presets
    if given.preset not in presets:
        raise WrongInput(f"{given.name} has no preset {given.preset!r}; {nearest(given.preset, list(presets))}")
    default = replace(experiment.settings(), **presets[given.preset])
    flags = [*flags, "--help"] if given.help else flags
    before = f"Before these settings: --preset {{{','.join(presets)}}}, --workdir FOLDER."
    settings = parse_flags(default, flags, prog=f"lectern run {given.name}", description=before)

    _prepare_devices(given, settings)
    from experiments.run import run_folder, runner
    from experiments.run.run import prepare
    from train.processes import first_alone

    config = run_folder.Config(given.name, given.preset, {})
    workdir = given.workdir or run_folder.default_workdir(config)

    def train(signals: "Signals") -> dict:
        first_alone(lambda: run_folder.check_new(workdir))
        return runner.start(prepare(given.name, given.preset, settings), workdir, signals)

    return _finish(workdir, train)


def _resume(given: argparse.Namespace, flags: list[str]) -> int:
    from experiments.run.run_folder import read_config

    read_config(given.workdir)
    _cache_compilations()
    from experiments.cli.flags import parse_flags
    from experiments.run import runner
    from experiments.run.run import prepare

    config, saved = runner.reopen(given.workdir)
    settings = parse_flags(saved, flags, prog=f"lectern resume {given.workdir}")
    runner.refuse_changes(given.workdir, config.settings, settings)
    _prepare_devices(given, settings)

    def train(signals: "Signals") -> dict:
        return runner.resume(prepare(config.experiment, config.preset, settings), given.workdir, signals)

    return _finish(given.workdir, train)


def _prepare_devices(given: argparse.Namespace, settings: "Settings") -> None:
    """What must be said before JAX looks at the devices: determinism, and who else takes part."""
    if settings.placement.deterministic:
        said = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{said} {_DETERMINISTIC}".strip()
    explicit = (given.coordinator, given.processes, given.process_id)
    if not given.distributed and explicit == (None, None, None):
        return
    if not given.distributed and None in explicit:
        raise WrongInput("--coordinator, --processes and --process-id go together; or --distributed on a cluster")
    if given.does is _run and given.workdir is None:
        raise WrongInput("several processes share a run folder: name it, the same in each, with --workdir")
    from train.processes import join

    try:
        join(*explicit)
    except (ValueError, RuntimeError) as error:
        raise WrongInput(f"the processes could not be joined: {error}") from error


def _finish(workdir: Path, train: Callable[["Signals"], dict]) -> int:
    """Trains, prints the result, and turns an early end into its exit status."""
    from train.processes import is_first, leave_at_once, lost_a_process
    from train.signals import Signals

    logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax logs a page for every error that it also raises
    with Signals() as signals:
        try:
            summary = train(signals)
        except Exception as error:
            status, message = _early_end(error, workdir)
            if message is None:
                raise
            print(f"lectern: {message}", file=sys.stderr, flush=True)
            if lost_a_process(error):
                leave_at_once(status)
            return status
        except KeyboardInterrupt:
            print(f"lectern: stopped by SIGINT; go on with `lectern resume {workdir}`", file=sys.stderr)
            return 128 + signal.SIGINT
        if is_first():
            from experiments.cli.results import print_result

            print_result(summary)
            print(f"run folder  {workdir}")
        return DONE


def _early_end(error: Exception, workdir: Path) -> tuple[int, str | None]:
    """The exit status and the line to print of what may happen to a run; no line for what must not."""
    from train.checkpoint import CheckpointError
    from train.disk import DiskFull, is_full
    from train.loop import Diverged
    from train.processes import FirstProcessFailed, lost_a_process
    from train.signals import Interrupted

    go_on = f"go on with `lectern resume {workdir}`"
    match error:
        case Diverged():
            return DIVERGED, f"{error}; the last finite checkpoint, step {error.kept}, is kept in {workdir}"
        case Interrupted():
            return 128 + error.signal_number, f"{error}; {go_on}"
        case DiskFull():
            return FAILED, f"{error} with `lectern resume {workdir}`"
        case OSError() if is_full(error):
            return FAILED, f"{DiskFull(workdir)} with `lectern resume {workdir}`"
        case CheckpointError() | WrongInput() | FirstProcessFailed():
            return WRONG, str(error)
        case _ if lost_a_process(error):
            return FAILED, f"another process of this run has ended: {go_on}, in as many processes as you like"
    return FAILED, None


def _evaluate(given: argparse.Namespace, _: list[str]) -> int:
    from experiments.run.run_folder import read_config

    read_config(given.workdir)
    _cache_compilations()
    from experiments.cli.flags import replace
    from experiments.cli.results import print_metrics
    from experiments.run import runner
    from experiments.run.run import prepare
    from train.checkpoint import CheckpointError

    config, settings = runner.reopen(given.workdir)
    if given.data_dir:
        settings = replace(settings, data_dir=given.data_dir)
    run = prepare(config.experiment, config.preset, settings)
    try:
        step, metrics = runner.evaluate(run, given.workdir, given.step)
    except CheckpointError as error:
        raise WrongInput(str(error)) from error
    print(f"{run.name}  preset {run.preset}  {run.dataset.protocol}  step {step:,}")
    print_metrics(metrics)
    return DONE


def _report(given: argparse.Namespace, _: list[str]) -> int:
    from experiments.report.report import report

    report(given.runs, given.html, given.markdown)
    return DONE


def _bench(given: argparse.Namespace, _: list[str]) -> int:
    from experiments.bench.bench import bench

    bench(given.names, rounds=given.rounds)
    return DONE


def _cache_compilations() -> None:
    """Keeps compiled programs in the user's cache folder, unless JAX was told otherwise."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lectern" / "xla"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


DOES = {
    "list": _list,
    "run": _run,
    "resume": _resume,
    "evaluate": _evaluate,
    "report": _report,
    "bench": _bench,
}


def console() -> NoReturn:
    """``main`` as a process: when it has returned, what there was to save is saved, and signals are too late."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


if __name__ == "__main__":
    console()
