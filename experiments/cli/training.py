"""``lectern run`` and ``lectern resume``: train, print the result, and turn an early end into an exit status."""

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from experiments.cli.environment import cache_compilations, import_beside, prepare_devices, refuse_strict_promotion
from experiments.cli.exit_status import DIVERGED, DONE, FAILED, WRONG
from experiments.errors import WrongInput

if TYPE_CHECKING:
    from experiments.run.run_folder import Origin
    from experiments.run.settings import Settings
    from train.signals import Signals


def run(given: argparse.Namespace, flags: list[str]) -> int:
    """Trains a new run."""
    if given.help and given.name is None:
        given.parser.print_help()
        return DONE
    if given.name is None:
        raise WrongInput("which experiment? type `lectern list` to see them, then `lectern run NAME`")
    cache_compilations()
    from experiments.cli.flags import parse_flags
    from experiments.run.registry import load

    flags = [*flags, "--help"] if given.help else flags
    before = f"Before these settings: --preset {{{','.join(load(given.name).card.all_presets)}}}, --workdir FOLDER."
    default = preset_settings(given.name, given.preset)
    settings = parse_flags(default, flags, prog=f"lectern run {given.name}", description=before)

    prepare_devices(given, settings)
    from experiments.run import run_folder, runner
    from experiments.run.run import prepare
    from train.processes import first_alone

    if given.workdir is not None:
        first_alone(lambda: run_folder.check_new(given.workdir))
    workdir = given.workdir or run_folder.claim_default(given.name, given.preset)

    def train(signals: "Signals") -> dict:
        run = prepare(given.name, given.preset, settings, _origin(given.origin))
        return runner.start(run, workdir, signals, freeze=given.freeze)

    try:
        return finish(workdir, train)
    finally:
        if given.workdir is None:
            with suppress(OSError):  # what was claimed and never begun goes; a folder with files stays
                workdir.rmdir()
                workdir.parent.rmdir()


def _origin(place: Path | None) -> "Origin | None":
    if place is None:
        return None
    from experiments.run.origins import origin_at

    return origin_at(place)


def preset_settings(name: str, preset: str) -> "Settings":
    """The settings of an experiment's preset; ``WrongInput`` where there is none of that name."""
    from experiments.cli.flags import replace
    from experiments.run.registry import load, nearest

    experiment = load(name)
    presets = experiment.card.all_presets
    if preset not in presets:
        raise WrongInput(f"{name} has no preset {preset!r}; {nearest(preset, list(presets))}")
    return replace(experiment.settings(), **presets[preset])


def resume(given: argparse.Namespace, flags: list[str]) -> int:
    """Goes on with a run."""
    if given.workdir is None:
        if not given.help:
            raise WrongInput("which run? type `lectern resume WORKDIR`, with the folder that `lectern run` named")
        given.parser.print_help()
        return DONE
    from experiments.run.run_folder import read_config

    read_config(given.workdir)
    cache_compilations()
    from experiments.cli.flags import parse_flags
    from experiments.run import runner
    from experiments.run.reopening import refuse_changes, reopen
    from experiments.run.run import prepare

    config, saved = reopen(given.workdir)
    if given.help:
        given.parser.print_help()
        print(f"\n{given.workdir}:")
        print(*_may_change(saved), sep="\n")
        return DONE
    settings = parse_flags(saved, flags, prog=f"lectern resume {given.workdir}")
    refuse_changes(given.workdir, config.settings, settings)
    prepare_devices(given, settings)

    def train(signals: "Signals") -> dict:
        return runner.resume(prepare(*config[:2], settings, config.origin), given.workdir, signals)

    return finish(given.workdir, train)


def _may_change(saved: "Settings") -> list[str]:
    """The flags that may differ on resume, each with its value in the run."""
    from experiments.cli.flags import flag
    from experiments.run.reopening import free_to_change
    from experiments.run.settings import as_json

    free = free_to_change(saved)
    return [f"  {flag(name)} (is {value})" for name, value in as_json(saved).items() if name in free]


def finish(workdir: Path, train: Callable[["Signals"], dict]) -> int:
    """Trains, prints the result, and turns an early end or a signal, whenever it comes, into its exit status."""
    from train.processes import say
    from train.signals import Signals

    refuse_strict_promotion()
    import_beside("tensorboardX.record_writer", "matplotlib.figure")
    with Signals() as signals:
        status = _finish(workdir, train, signals)
        if status in (DONE, DIVERGED) and (number := signals.agreed()):  # every process comes here with either
            say(f"lectern: {signal.Signals(number).name} came when {workdir} was trained: nothing is lost")
            return 128 + number
        return status


def _finish(workdir: Path, train: Callable[["Signals"], dict], signals: "Signals") -> int:
    """The exit status, but for a signal that came when there was nothing left to stop."""
    from experiments.run.run_folder import forget_divergence, note_divergence
    from train.processes import is_first, leave_at_once, lost_a_process

    try:
        summary = train(signals)
    except Exception as error:
        status, message = _early_end(error, workdir)
        if message is None:
            raise
        print(f"lectern: {message}", file=sys.stderr, flush=True)
        if status == DIVERGED and is_first():
            note_divergence(workdir, str(error))
        if lost_a_process(error):
            leave_at_once(status)
        return status
    except KeyboardInterrupt:
        print(f"lectern: stopped by SIGINT; go on with `lectern resume {workdir}`", file=sys.stderr)
        return 128 + signal.SIGINT
    if is_first():
        from experiments.cli.results import print_result

        forget_divergence(workdir)
        print_result(summary)
        print(f"run folder  {workdir}")
        if any((workdir / "figures").glob("*.png")):
            print(f"figures     {workdir / 'figures'}")
        installed = "" if which("tensorboard") else ", after `pip install tensorboard`"
        print(f"curves      tensorboard --logdir {workdir / 'tensorboard'}{installed}")
    return DONE


def _early_end(error: Exception, workdir: Path) -> tuple[int, str | None]:
    """The exit status and the line to print of what may happen to a run; no line for what must not."""
    from train.checkpoint import CheckpointError
    from train.disk import DiskFull, is_full, unusable
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
        case _ if reason := unusable(workdir, error):
            return FAILED, f"{workdir} cannot be used any more ({reason}): mend that, then {go_on}"
    return FAILED, None
