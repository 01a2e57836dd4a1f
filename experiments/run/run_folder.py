"""The files of one run: ``config.json`` at the beginning, ``summary.json`` at the end, everything else between."""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

from experiments.errors import NotWritten, WrongInput
from experiments.json_forms import held

CONFIG, SUMMARY, DIVERGED = "config.json", "summary.json", "diverged.json"
UNFINISHED = ".part"
"""What the name of a file ends in until the file is whole."""
LAYOUT = 2
"""Of run folders: raised whenever settings, parameters or states are named anew, so that older ones are refused."""


class RunFolderError(WrongInput):
    """The folder is not what the command needs; the message says what to type."""


class Origin(NamedTuple):
    """Where the parameters come from that a run starts with: another run, or a file of weights."""

    workdir: str
    """the run folder, or the file"""
    step: int | None
    """of the run; None of a file"""
    frozen: tuple[str, ...] = ()
    """parts of the parameters that keep the values they are taken with"""
    sha256: str | None = None
    """of the file; None of a run"""


class Config(NamedTuple):
    """What was asked for."""

    experiment: str
    preset: str
    settings: dict
    origin: Origin | None = None


def write_json(path: Path, content: dict) -> None:
    """Writes a whole file or nothing."""
    temporary = path.with_name(path.name + UNFINISHED)
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, path)


def check_new(workdir: Path) -> None:
    """Refuses a folder that holds a run, or anything else but a config that a killed process did not finish."""
    if (workdir / CONFIG).exists():
        raise RunFolderError(
            f"{workdir} already holds a run: type `lectern resume {workdir}`, or choose another --workdir"
        )
    if workdir.exists() and (not workdir.is_dir() or {path.name for path in workdir.iterdir()} - {CONFIG + UNFINISHED}):
        raise RunFolderError(f"{workdir} is not an empty folder: choose another --workdir")


def claim_default(experiment: str, preset: str) -> Path:
    """Makes the empty folder runs/NAME-PRESET-TIME, with a number where another process was in the same second."""
    first = folder = Path("runs") / f"{experiment}-{preset}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in count(2):
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            folder = first.with_name(f"{first.name}-{number}")
        except OSError as error:
            raise _not_writable(folder, error) from error


@contextmanager
def created(workdir: Path, config: Config) -> Iterator[None]:
    """Makes the folder of a new run, writes its config, and holds it as ``sole_writer`` does.

    Of several processes that create the same folder one gets it; the others find it held, or holding a run.
    """
    check_new(workdir)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(workdir, error) from error
    with sole_writer(workdir):
        check_new(workdir)
        try:
            write_config(workdir, config)
        except OSError as error:
            raise _not_writable(workdir, error) from error
        yield


def _not_writable(workdir: Path, error: OSError) -> RunFolderError:
    return RunFolderError(f"{workdir} cannot be written ({error.strerror}): choose another --workdir")


def check_present(workdir: Path) -> None:
    """Raises ``FileNotFoundError`` where the folder was deleted; a checkpoint would silently make it anew."""
    if not (workdir / CONFIG).exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(workdir))


def write_config(workdir: Path, config: Config) -> None:
    """Writes ``config.json``."""
    content = {"layout": LAYOUT, "experiment": config.experiment, "preset": config.preset, "config": config.settings}
    write_json(workdir / CONFIG, content | ({"from": config.origin._asdict()} if config.origin else {}))


@contextmanager
def sole_writer(workdir: Path) -> Iterator[None]:
    """Holds the folder while a process trains in it; the system lets go of it when that process ends, however."""
    handle = os.open(workdir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            busy = f"{workdir} is being trained by another process"
            raise RunFolderError(f"{busy}: wait until it has ended, or choose another --workdir") from error
        yield
    finally:
        os.close(handle)


def read_config(workdir: Path) -> Config:
    """The config of an existing run."""
    path = workdir / CONFIG
    if not path.is_file():
        raise RunFolderError(f"{workdir} holds no run ({CONFIG} is missing): start one with `lectern run NAME`")
    try:
        content = held(json.loads(path.read_text()), dict, "it")
        if (layout := content.get("layout", 1)) != LAYOUT:
            raise RunFolderError(_other_version(workdir, layout))
        experiment, preset = (held(content[name], str, f"its {name}") for name in ("experiment", "preset"))
        origin = _origin(held(content["from"], dict, "its from")) if "from" in content else None
        return Config(experiment, preset, held(content["config"], dict, "its config"), origin)
    except RunFolderError:
        raise
    except KeyError as error:
        raise _damaged(path, f"it has no {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _origin(content: dict) -> Origin:
    step, sha256 = content.get("step"), content.get("sha256")
    return Origin(
        held(content["workdir"], str, "its from.workdir"),
        None if step is None else held(step, int, "its from.step"),
        tuple(held(part, str, "its from.frozen") for part in held(content.get("frozen", []), list, "its from.frozen")),
        None if sha256 is None else held(sha256, str, "its from.sha256"),
    )


def _damaged(path: Path, fault: str) -> RunFolderError:
    return RunFolderError(f"{path} is damaged: {fault}; put it back as it was, or train anew with `lectern run`")


def _other_version(workdir: Path, layout: object) -> str:
    made = f"{workdir} was made by another version of lectern (layout {layout}, this version has {LAYOUT})"
    return f"{made}: go on with that version, or train it anew with `lectern run`"


def read_summary(workdir: Path) -> dict | None:
    """The summary of a finished run; None where it is missing or damaged."""
    summary = _read(workdir / SUMMARY) or {}
    return summary if all(isinstance(summary.get(part), dict) for part in ("config", "metrics")) else None


def note_divergence(workdir: Path, said: str) -> None:
    """Keeps what ended a run, which would end it at the same step again; where there is no room it is not kept."""
    with suppress(OSError):
        write_json(workdir / DIVERGED, {"said": said, "commit": commit()})


def read_divergence(workdir: Path) -> str | None:
    """What ended a run that diverged under the same source; None of any other."""
    noted = _read(workdir / DIVERGED) or {}
    return noted.get("said") if noted.get("commit") == commit() else None


def forget_divergence(workdir: Path) -> None:
    """A run that came to its end has not diverged."""
    (workdir / DIVERGED).unlink(missing_ok=True)


def _read(path: Path) -> dict | None:
    try:
        return held(json.loads(path.read_text()), dict, path.name)
    except (OSError, ValueError, RecursionError):
        return None


@cache
def commit() -> str:
    """The short hash of the source's commit, with ``+changes`` where the tree differs; ``unknown`` outside of git."""
    describe = ("describe", "--always", "--dirty=+changes", "--exclude=*")  # no tag in place of the hash
    try:
        found = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *describe], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes a folder to write into; ``NotWritten`` where the system refuses, and what was made and stays empty goes."""
    if in_the_way := next((place for place in (folder, *folder.parents) if place.is_file()), None):
        raise NotWritten(f"{in_the_way} is a file where a folder is to be: move it away, then try again")
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotWritten(f"{folder} cannot be written ({reason}): mend that, then try again") from error
    finally:
        for place in made:
            with suppress(OSError):  # one with files stays
                place.rmdir()


@contextmanager
def all_or_none(folder: Path) -> Iterator[None]:
    """Writes into a folder that holds nothing of others; it goes, with what is in it, where not all can be written."""
    with writing(folder):
        try:
            yield
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


@contextmanager
def new_folder(parent: Path, prefix: str = "") -> Iterator[Path]:
    """A new folder of the first free number after the prefix, for ``all_or_none`` of what is written."""
    with writing(parent):
        folder = _first_free(parent, prefix)
        with all_or_none(folder):
            yield folder


def _first_free(parent: Path, prefix: str) -> Path:
    for number in count(1):
        try:
            folder = parent / f"{prefix}{number}"
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
