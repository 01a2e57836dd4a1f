"""The files of one run: ``config.json`` at the beginning, ``summary.json`` at the end, everything else between."""

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from experiments.errors import WrongInput

CONFIG, SUMMARY = "config.json", "summary.json"
LAYOUT = 2
"""Of run folders: raised whenever settings, parameters or states are named anew, so that older ones are refused."""


class RunFolderError(WrongInput):
    """The folder is not what the command needs; the message says what to type."""


class Config(NamedTuple):
    """What was asked for."""

    experiment: str
    preset: str
    settings: dict


def write_json(path: Path, content: dict) -> None:
    """Writes a whole file or nothing."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, path)


def check_new(workdir: Path) -> None:
    """Refuses a folder that holds a run, or anything else."""
    if (workdir / CONFIG).exists():
        raise RunFolderError(
            f"{workdir} already holds a run: type `lectern resume {workdir}`, or choose another --workdir"
        )
    if workdir.exists() and (not workdir.is_dir() or any(workdir.iterdir())):
        raise RunFolderError(f"{workdir} is not an empty folder: choose another --workdir")


def default_workdir(config: Config) -> Path:
    """runs/NAME-PRESET-TIME."""
    return Path("runs") / f"{config.experiment}-{config.preset}-{time.strftime('%Y%m%d-%H%M%S')}"


def create(workdir: Path, config: Config) -> None:
    """Makes the folder of a new run and writes its config."""
    check_new(workdir)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        write_config(workdir, config)
    except OSError as error:
        raise RunFolderError(f"{workdir} cannot be written ({error}): choose another --workdir") from error


def write_config(workdir: Path, config: Config) -> None:
    """Writes ``config.json``."""
    content = {"layout": LAYOUT, "experiment": config.experiment, "preset": config.preset, "config": config.settings}
    write_json(workdir / CONFIG, content)


@contextmanager
def sole_writer(workdir: Path) -> Iterator[None]:
    """Holds the folder while a process trains in it; the system lets go of it when that process ends, however."""
    handle = os.open(workdir, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RunFolderError(f"{workdir} is being trained by another process: wait until it has ended") from error
    finally:
        os.close(handle)


def read_config(workdir: Path) -> Config:
    """The config of an existing run."""
    path = workdir / CONFIG
    if not path.is_file():
        raise RunFolderError(f"{workdir} holds no run ({CONFIG} is missing): start one with `lectern run NAME`")
    try:
        content = json.loads(path.read_text())
        if (layout := content.get("layout", 1)) != LAYOUT:
            raise RunFolderError(_other_version(workdir, layout))
        return Config(str(content["experiment"]), str(content["preset"]), dict(content["config"]))
    except RunFolderError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path} is damaged ({error}): expected experiment, preset and config as JSON") from error


def _other_version(workdir: Path, layout: object) -> str:
    made = f"{workdir} was made by another version of lectern (layout {layout}, this version has {LAYOUT})"
    return f"{made}: go on with that version, or train it anew with `lectern run`"


def read_summary(workdir: Path) -> dict | None:
    """The summary of a finished run; None where it is missing or damaged."""
    try:
        return json.loads((workdir / SUMMARY).read_text())
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None


def commit() -> str:
    """The short hash of the source's commit, with ``+changes`` where the tree differs; ``unknown`` outside of git."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
