"""Metrics on disk: one JSON object a line, and the same scalars for TensorBoard."""

import json
import math
import os
import shutil
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from train.disk import append, named_when_full

FILE = "metrics.jsonl"
DAMAGED = ".damaged"
"""What is added to the name of a file whose copy without the damaged lines took its place."""

_RESERVED = {"step", "split"}


class Log(NamedTuple):
    """What a file of metrics holds: its rows, and the numbers of the lines that are none."""

    rows: list[dict]
    damaged: list[int]


def read_log(folder: Path) -> Log:
    """A run's metrics; no rows without a file. A torn last line, as a kill may leave it, is no damage."""
    path = Path(folder) / FILE
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    rows = [_row(line) for line in lines]
    torn = len(lines) if lines and not lines[-1].endswith(b"\n") else None
    damaged = [number for number, row in enumerate(rows, 1) if row is None and number != torn]
    return Log([row for row in rows if row is not None], damaged)


def read_rows(folder: Path) -> Iterator[dict]:
    """The rows of a run's metrics; what is torn or damaged is passed over."""
    return iter(read_log(folder).rows)


def missing_rows(folder: Path, first_step: int) -> str:
    """One line on what is lost of the metrics of a run that is at ``first_step``; "" where nothing is."""
    rows, damaged = read_log(folder)
    path = Path(folder) / FILE
    if damaged:
        lines = f"line {damaged[0]}" if len(damaged) == 1 else f"{len(damaged)} lines, the first is line {damaged[0]}"
        return f"{path} is damaged in {lines}: left out, and kept in {FILE}{DAMAGED}"
    newest = max((row["step"] for row in rows), default=0)
    if newest < first_step:
        return f"{path} ends at step {newest}: the rows up to step {first_step} are lost"
    return ""


def _row(line: bytes) -> dict | None:
    """The row of a line; None where it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_row = isinstance(row, dict) and type(row.get("step")) is int and isinstance(row.get("split"), str)
    return row if is_row and all(map(_is_number, chain(*_listed(row).values()))) else None


def _listed(row: dict) -> dict[str, list]:
    """A row's metrics, each a list of a value per seed."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in row.items()}
    return {name: values for name, values in listed.items() if name not in _RESERVED}


def _is_number(value: object) -> bool:
    """Whether a value is one that a row may hold."""
    return value is None or type(value) in (int, float)


def _trim(folder: Path, last_step: int) -> list[dict]:
    """Drops what a resumed run writes again, rows after ``last_step`` and those of the ``final`` evaluation, and
    returns the others. A file with damaged lines is kept under another name.
    """
    rows, damaged = read_log(folder)
    if damaged:
        shutil.copyfile(folder / FILE, folder / (FILE + DAMAGED))
    kept = [row for row in rows if row["step"] <= last_step and row["split"] != "final"]
    temporary = folder / (FILE + ".part")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in kept))
    os.replace(temporary, folder / FILE)
    return kept


def _json_value(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _values(row: dict) -> dict[str, list[float]]:
    """A row's metrics as they were given to be written; what was not finite is NaN."""
    return {name: [math.nan if each is None else each for each in values] for name, values in _listed(row).items()}


class MetricsWriter:
    """Appends rows from ``first_step`` on; use it as a context manager.

    ``write`` takes one value per seed; they are stored as a number for one seed, as a list for several. ``DiskFull``
    where a row finds no place, also at the beginning; what could not be written whole is not there at all.
    """

    def __init__(self, folder: Path, seeds: Sequence[int], first_step: int = 0):
        self.seeds, self._folder = list(seeds), Path(folder)
        with named_when_full(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            kept = _trim(self._folder, first_step)
            self._board = _Board(self._folder / "tensorboard", first_step)
            for row in kept:
                if row["step"] == first_step:
                    self._board.write(first_step, dict(self._scalars(row["split"], _values(row))))

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *_) -> None:
        """No file stays open between two rows."""

    def write(self, step: int, split: str, metrics: Mapping[str, np.ndarray]) -> None:
        """One row, on disk when this returns; ``ValueError`` for a metric named as a field of the row."""
        if reserved := _RESERVED & metrics.keys():
            raise ValueError(f"a metric cannot be named {' or '.join(sorted(reserved))}")
        values = {name: np.asarray(value, np.float64).reshape(-1).tolist() for name, value in metrics.items()}
        row = {name: [_json_value(v) for v in value] for name, value in values.items()}
        if len(self.seeds) == 1:
            row = {name: value[0] for name, value in row.items()}
        line = json.dumps({"step": step, "split": split, **row}) + "\n"
        with named_when_full(self._folder):
            append(self._folder / FILE, line.encode())
            self._board.write(step, dict(self._scalars(split, values)))

    def _scalars(self, split: str, values: dict[str, list[float]]) -> Iterator[tuple[str, float]]:
        for name, value in values.items():
            for seed, scalar in zip(self.seeds, value, strict=True):
                yield f"{split}/{name}" if len(self.seeds) == 1 else f"{split}/{name}/seed{seed}", scalar


class _Board:
    """A file of TensorBoard's events, in TFRecord's framing: length, its checksum, data, its checksum.

    Its beginning makes TensorBoard forget what other files say of ``first_step`` and of what came after.

    tensorboardX's own writer has a thread that dies of a full disk; the rows after that then wait for it for ever.
    """

    def __init__(self, folder: Path, first_step: int):
        from tensorboardX.proto.event_pb2 import SessionLog

        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        self._append(file_version="brain.Event:2")
        self._append(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def write(self, step: int, scalars: dict[str, float]) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._append(step=step, summary=Summary(value=values))

    def _append(self, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.record_writer import masked_crc32c

        data = Event(wall_time=time.time(), **content).SerializeToString()
        length = struct.pack("<Q", len(data))
        checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, data)]
        append(self._path, length + checksums[0] + data + checksums[1])


class SilentWriter:
    """Writes nothing: what the other processes hold where several train as one."""

    def __enter__(self) -> "SilentWriter":
        return self

    def __exit__(self, *_) -> None:
        pass

    def write(self, step: int, split: str, metrics: Mapping[str, np.ndarray]) -> None:
        """Nothing."""
