"""The command line. Nothing heavy is imported before a command needs it."""

import argparse
import atexit
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from experiments.cli import replicating, saved_runs, sweeping, training
from experiments.cli.environment import quiet_libraries
from experiments.cli.exit_status import DONE, FAILED, WRONG
from experiments.cli.parser import parser
from experiments.errors import NotWritten, WrongInput


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status: 0 done, 1 failed, 2 wrong command, 3 diverged, 128 + n stopped by signal n."""
    quiet_libraries()
    try:
        given, flags = parser(DOES).parse_known_args(arguments)
        if flags and given.does not in TAKE_SETTINGS:
            given.parser.error(f"unknown flag {flags[0]}")
        return given.does(given, flags)
    except WrongInput as error:
        print(f"lectern: {error}", file=sys.stderr)
        return WRONG
    except NotWritten as error:
        print(f"lectern: {error}", file=sys.stderr)
        return FAILED
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
        print(f"lectern: out of memory ({reason}): take fewer or smaller arrays, {SMALLER}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return 128 + signal.SIGINT


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether NumPy found no room on the host, or XLA none on a device."""
    return isinstance(error, MemoryError) or str(error).startswith("RESOURCE_EXHAUSTED")


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


def _report(given: argparse.Namespace, _: list[str]) -> int:
    from experiments.report.report import report

    report(given.runs, given.html, given.markdown, every=given.all, pool=given.pool)
    return DONE


def _bench(given: argparse.Namespace, _: list[str]) -> int:
    from experiments.bench.bench import bench

    bench(given.names, rounds=given.rounds)
    return DONE


TAKE_SETTINGS = (training.run, training.resume, sweeping.sweep, saved_runs.evaluate, saved_runs.sample)
"""What a command of these does not know may be a setting."""
DOES = {
    "list": _list,
    "run": training.run,
    "resume": training.resume,
    "sweep": sweeping.sweep,
    "replicate": replicating.replicate,
    "evaluate": saved_runs.evaluate,
    "sample": saved_runs.sample,
    "draw": saved_runs.draw,
    "export": saved_runs.export,
    "predict": saved_runs.predict,
    "report": _report,
    "bench": _bench,
}
STOPPED = "lectern: stopped by SIGINT"
SMALLER = "as with another --batch-size, --evaluation-batch or size of the data, or --feed stream"


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raises ``KeyboardInterrupt``, but for an import: there extensions print it, and make an error of their own."""
    signal.signal(number, _end)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            _end(number, frame)
        frame = frame.f_back
    raise KeyboardInterrupt


def _end(number: int, _: FrameType | None) -> NoReturn:
    """Ends the process at once."""
    os.write(sys.__stderr__.fileno(), f"{STOPPED}\n".encode())
    os._exit(128 + number)


def _unraisablehook(unraisable: "sys.UnraisableHookArgs") -> None:
    """TensorStore reports a failed write once more, through here, when Orbax has given up the save that we told of."""
    if str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _leave(returned: list[int]) -> None:
    """Ends the process once ``main`` has returned: taking JAX's objects apart one by one would take a second."""
    if returned:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(returned[0])


def console() -> NoReturn:
    """``main`` as a process: when it has returned, what there was to save is saved, and signals are too late."""
    returned: list[int] = []
    atexit.register(_leave, returned)  # the first to be registered is the last to be called
    gc.set_threshold(500_000, 20, 100)  # tracing makes many objects, and nearly all of them stay
    sys.unraisablehook = _unraisablehook
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a process in the background may ignore it
        signal.signal(signal.SIGINT, _interrupt)
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    returned.append(status)
    sys.exit(status)


if __name__ == "__main__":
    console()
