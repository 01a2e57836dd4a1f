"""Metrics on disk: one JSON object a line, and the same scalars for TensorBoard."""

import json
import math
import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train.disk import append, named_when_full

FILE = "metrics.jsonl"


def read_rows(folder: Path) -> Iterator[dict]:
    """The rows of a run's metrics; a torn last line, as a kill may leave it, is passed over."""
    path = Path(folder) / FILE
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def _trim(folder: Path, last_step: int) -> None:
    """Drops what a resumed run writes again: rows after ``last_step``, and those of the ``final`` evaluation."""
    rows = (row for row in read_rows(folder) if row["step"] <= last_step and row["split"] != "final")
    kept = [json.dumps(row) + "\n" for row in rows]
    temporary = folder / (FILE + ".part")
    temporary.write_text("".join(kept))
    os.replace(temporary, folder / FILE)


def _json_value(value: float) -> float | None:
    return value if math.isfinite(value) else None


class MetricsWriter:
    """Appends rows from ``first_step`` on; use it as a context manager.

    ``write`` takes one value per seed; they are stored as a number for one seed, as a list for several. ``DiskFull``
    where a row finds no place, also at the beginning; what could not be written whole is not there at all.
    """

    def __init__(self, folder: Path, seeds: Sequence[int], first_step: int = 0):
        self.seeds, self._folder = list(seeds), Path(folder)
        with named_when_full(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            _trim(self._folder, first_step)
            self._board = _Board(self._folder / "tensorboard", first_step + 1)

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *_) -> None:
        """No file stays open between two rows."""

    def write(self, step: int, split: str, metrics: Mapping[str, np.ndarray]) -> None:
        """One row, on disk when this returns; ``ValueError`` for a metric named as a field of the row."""
        if reserved := {"step", "split"} & metrics.keys():
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

    tensorboardX's own writer has a thread that dies of a full disk; the rows after that then wait for it for ever.
    """

    def __init__(self, folder: Path, first_step: int):
        from tensorboardX.proto.event_pb2 import SessionLog

        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        self._append(file_version="brain.Event:2")
        self._append(step=first_step, session_log=SessionLog(status=SessionLog.START))  # forget what came after

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
