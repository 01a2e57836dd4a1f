"""The files of one run: ``config.json`` at the beginning, ``summary.json`` at the end, everything else between."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from experiments.errors import WrongInput

CONFIG, SUMMARY = "config.json", "summary.json"


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


def create(workdir: Path | None, config: Config) -> Path:
    """Makes the folder of a new run and writes its config; refuses a folder that already holds something."""
    workdir = workdir or Path("runs") / f"{config.experiment}-{config.preset}-{time.strftime('%Y%m%d-%H%M%S')}"
    if (workdir / CONFIG).exists():
        raise RunFolderError(
            f"{workdir} already holds a run: type `lectern resume {workdir}`, or choose another --workdir"
        )
    if workdir.exists() and (not workdir.is_dir() or any(workdir.iterdir())):
        raise RunFolderError(f"{workdir} is not an empty folder: choose another --workdir")
    workdir.mkdir(parents=True, exist_ok=True)
    written = {"experiment": config.experiment, "preset": config.preset, "config": config.settings}
    write_json(workdir / CONFIG, written)
    return workdir


def read_config(workdir: Path) -> Config:
    """The config of an existing run."""
    path = workdir / CONFIG
    if not path.is_file():
        raise RunFolderError(f"{workdir} holds no run ({CONFIG} is missing): start one with `lectern run NAME`")
    try:
        content = json.loads(path.read_text())
        return Config(str(content["experiment"]), str(content["preset"]), dict(content["config"]))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path} is damaged ({error}): expected experiment, preset and config as JSON") from error


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
