"""Finished runs, read back from their folders: what is damaged is named, never a crash."""

import json
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, NoReturn

from experiments.json_forms import IN_WORDS, held

NUMBER = int | float
MAYBE_NUMBER = int | float | None
LARGEST_NUMBER = 1e100
EACH = "*"  # in a form: every key of the object
FORM = {
    "experiment": str,
    "preset": str,
    "config": dict,
    "seeds": [int],
    "steps": int,
    "epochs": MAYBE_NUMBER,
    "dataset": {"name": str, "protocol": str},
    "metrics": {EACH: {"values": [MAYBE_NUMBER], "unit": str, "protocol": str | None}},
    "references": [{"metric": str, "value": NUMBER, "unit": str, "source": str, "departs_in": list | None}],
    "wall_seconds": MAYBE_NUMBER,
    "device": str,
    "commit": str | None,
}


class Run(NamedTuple):
    """One run folder: its name below the searched folder, and its summary or what is wrong with it."""

    name: str
    folder: Path
    summary: dict[str, Any]
    problem: str = ""


def find_runs(folder: Path) -> list[Run]:
    """Every folder at or below ``folder`` that holds a ``summary.json``, by name; a damaged one carries its problem."""
    folder = Path(folder)
    paths = (path.parent for path in folder.rglob("summary.json"))
    return sorted((_read_run(path, _name(path, folder)) for path in paths), key=lambda run: run.name)


def read_metrics(run: Run) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of the run's ``metrics.jsonl`` (none without the file), and what was left out of them."""
    rows, damaged = [], []
    try:
        lines = (run.folder / "metrics.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"metrics.jsonl: {error.strerror}"]
    for number, line in enumerate(lines, start=1):
        try:
            row = _parse(line)
            _check(row, {"step": int, "split": str}, "the line")
            rows.append(row)
        except (ValueError, RecursionError):
            damaged.append(number)
    return rows, [f"metrics.jsonl: damaged lines: {len(damaged)}, the first is line {damaged[0]}"] if damaged else []


def problems(runs: Iterable[Run]) -> list[str]:
    """One line for each run that is left out, its summary being unreadable."""
    return [f"{run.name}/summary.json: {run.problem}" for run in runs if run.problem]


def _read_run(folder: Path, name: str) -> Run:
    """The run of a folder, with its problem where the summary cannot be read or lacks something."""
    try:
        summary = held(_parse((folder / "summary.json").read_text(encoding="utf-8")), dict, "it")
        _check(summary, FORM, "the summary")
        json.dumps(summary, ensure_ascii=False).encode()  # a lone surrogate can be read but not printed
    except (OSError, ValueError, RecursionError) as error:
        return Run(name, folder, {}, problem=str(error) or type(error).__name__)
    return Run(name, folder, summary)


def _name(path: Path, folder: Path) -> str:
    """The run's name below the searched folder, or the folder's own; bytes that are no UTF-8 become question marks."""
    name = folder.resolve().name if path == folder else path.relative_to(folder).as_posix()
    return name.encode(errors="replace").decode()


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number for a ledger")


def _float(text: str) -> float:
    """A number so bounded that sums and squares stay finite too."""
    value = float(text)
    return value if -LARGEST_NUMBER <= value <= LARGEST_NUMBER else _refused(text)


def _int(text: str) -> int:
    """A whole number within the same bounds."""
    _float(text)
    return int(text)


_parse = json.JSONDecoder(parse_constant=_refused, parse_float=_float, parse_int=_int).decode
"""JSON as its standard has it: NaN and Infinity, which Python would read, and numbers beyond floats are refused."""


def _check(value: Any, form: Any, where: str) -> None:
    """Raise ValueError for the first place where ``value`` has not the ``form``; what may be null may be missing."""
    kind = form if isinstance(form, type | UnionType) else type(form)
    if not isinstance(value, kind):
        raise ValueError(f"{where} is {'missing' if value is None else IN_WORDS[type(value)]}")
    if isinstance(form, list):
        for index, item in enumerate(value):
            _check(item, form[0], f"{where}[{index}]")
    if isinstance(form, dict):
        for key, inner in form.items():
            for name in value if key == EACH else [key]:
                _check(value.get(name), inner, f"{name!r} of {where}")
