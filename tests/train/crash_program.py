"""A program that dies on purpose: `crash_program.py FOLDER POINTS TIMES` prints one JSON object of what was left.

Everything is imported once; each crash is a fork of its own, which discards and saves checkpoints. At POINTS places it
kills itself just before a change of the file system, seen by an audit hook; TIMES times it is killed from outside at a
random microsecond, as TensorStore's own writing is not seen by the hook. Another fork then takes up what was left.
"""

import json
import os
import random
import select
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from train.checkpoint import Checkpoints
from train.manifest import tree_sha256

KEEP, LAST, SECONDS = 2, 4, 60
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def state(step: int) -> dict:
    """A leaf large enough for files of its own, a small one, and random keys."""
    weights = np.random.default_rng(step).standard_normal((64, 64)).astype(np.float32)
    return {"weights": weights, "count": np.full(1, step, np.int32), "key": jax.random.key(step)}


def notes(step: int) -> dict:
    return {"seconds": step + 0.5, "name": "é"}


def forked(action: Callable[[Callable[[str], None]], None], until: float | None = None) -> tuple[list[str], bool]:
    """Runs ``action(tell)`` in a fork, killed ``until`` seconds after it first tells something: what it told, and
    whether it was killed. Any other end than that, or status 0, is an error of this program.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        try:
            action(lambda line: os.write(writing, line.encode() + b"\n") and None)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    if until is not None:
        select.select([reading], [], [])
        time.sleep(until)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as told:
        lines = told.read().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a fork ended with {status}, after {lines[-3:]}")
    return lines, status != 0


def template(folder: Path) -> None:
    """Steps 1 and 2, and what earlier kills have left: torn saves of two steps and a half-done removal."""
    with Checkpoints(folder, keep=KEEP) as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, state(step), notes(step))
    for torn in ("3.orbax-checkpoint-tmp", "7.orbax-checkpoint-tmp"):
        shutil.copytree(folder / "2", folder / torn, ignore=shutil.ignore_patterns("d", "commit_success.txt"))
    shutil.copytree(folder / "1" / "state", folder / "deleted" / "2" / "state")


class Hook:
    """Tells every change of the file system, and dies before the one of number ``kill_at``."""

    def __init__(self, tell: Callable[[str], None], kill_at: int | None):
        self.tell, self.kill_at, self.count = tell, kill_at, 0

    def __call__(self, event: str, arguments: tuple) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if not writes and event not in CHANGES:
            return
        paths = " ".join(self._paths(event, arguments))
        place = "removal" if "/deleted" in paths else "clearing" if self._inside("rmtree") else "save"
        self.tell(f"event {place} {event} {paths}")
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(SECONDS)
        self.count += 1

    def _inside(self, function: str) -> bool:
        frame = sys._getframe()
        while frame and not frame.f_code.co_name.endswith(function):
            frame = frame.f_back
        return frame is not None

    def _paths(self, event: str, arguments: tuple) -> list[str]:
        if event in ("os.remove", "os.rmdir") and arguments[1] >= 0:
            return [os.path.join(os.readlink(f"/proc/self/fd/{arguments[1]}"), arguments[0])]
        return [str(path) for path in arguments[: 2 if event == "os.rename" else 1]]


def victim(folder: Path, tell: Callable[[str], None], kill_at: int | None) -> None:
    """Resumes as training does: a damaged step is discarded, and saved again with the steps after it."""
    jax.devices()
    sys.addaudithook(Hook(tell, kill_at))
    with Checkpoints(folder, keep=KEEP) as checkpoints:
        checkpoints.discard(2)
        for step in range(2, LAST + 1):
            checkpoints.save(step, state(step), notes(step))
            tell(f"saved {step - 1}")  # a save waits for the one before
    tell(f"saved {LAST}")


def check_step(checkpoints: Checkpoints, step: int | None, expected: int) -> None:
    restored = checkpoints.restore(state(0), step)
    assert not restored.damaged, restored.damaged
    assert restored.step == expected, (restored.step, expected)
    assert tree_sha256(restored.tree) == tree_sha256(state(expected)), f"step {expected} has other values"
    assert restored.notes == notes(expected), restored.notes


def survivor(folder: Path, tell: Callable[[str], None], saved: int) -> None:
    """All that a later process needs: the newest whole step and every listed one, first to read, then to go on."""
    newest = max(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    assert newest >= saved, f"step {saved} was saved, but the newest there is {newest}"
    with Checkpoints(folder, read_only=True) as checkpoints:
        check_step(checkpoints, None, newest)
    with Checkpoints(folder, keep=KEEP) as checkpoints:
        check_step(checkpoints, None, newest)
        for step in checkpoints.steps():
            check_step(checkpoints, step, step)
        for step in range(newest + 1, newest + 3):
            checkpoints.save(step, state(step), notes(step))
    there = sorted(path.name for path in folder.iterdir())
    assert there == sorted([str(newest + 1), str(newest + 2)]), there
    with Checkpoints(folder, keep=KEEP) as checkpoints:
        for step in (newest + 1, newest + 2):
            check_step(checkpoints, step, step)
    tell(f"newest {newest}")


def whole_steps(lines: list[str], folder: Path) -> list[int]:
    """The steps that must be there: those known to be saved, and those put in place before the last event."""
    saved = [int(line.split()[1]) for line in lines if line.startswith("saved")]
    renamed = [Path(line.split()[-1]) for line in lines[:-1] if " os.rename " in line]
    return [1, *saved, *(int(path.name) for path in renamed if path.parent == folder and path.name.isdigit())]


def crash(pristine: Path, folder: Path, kill_at: int | None, until: float | None) -> dict:
    """One kill, and whether a later process found all in order: where it was, or why it could not go on."""
    shutil.copytree(pristine, folder)
    lines, killed = forked(lambda tell: victim(folder, tell, kill_at), until)
    events = [line for line in lines if line.startswith("event")]
    saved, left = max(whole_steps(lines, folder)), sorted(path.name for path in folder.iterdir())
    report = {"killed": killed, "place": events[-1].split()[1], "event": events[-1], "saved": saved, "left": left}
    try:
        (told,), _ = forked(lambda tell: survivor(folder, tell, saved))
        return report | {"newest": int(told.split()[1])}
    except RuntimeError as error:
        return report | {"error": str(error)}
    finally:
        shutil.rmtree(folder)


def main() -> None:
    warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
    folder, points, times = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    pristine = folder / "pristine"
    forked(lambda tell: template(pristine))
    shutil.copytree(pristine, folder / "rehearsal")
    started = time.perf_counter()
    lines, killed = forked(lambda tell: victim(folder / "rehearsal", tell, None))
    seconds = time.perf_counter() - started
    assert not killed
    count = sum(line.startswith("event") for line in lines)
    chosen = sorted({round(index) for index in np.linspace(0, count - 1, min(points, count))})
    offsets = [random.Random(seed).uniform(0, seconds) for seed in range(times)]
    reports = [crash(pristine, folder / "crash", point, None) for point in chosen]
    timed = [crash(pristine, folder / "crash", None, offset) for offset in offsets]
    print(json.dumps({"events": count, "at_events": reports, "at_times": timed}))


if __name__ == "__main__":
    main()
