"""Metrics on disk: one JSON object a line, and the same scalars for TensorBoard."""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

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

    ``write`` takes one value per seed; they are stored as a number for one seed, as a list for several.
    """

    def __init__(self, folder: Path, seeds: Sequence[int], first_step: int = 0):
        from tensorboardX import SummaryWriter

        self.seeds = list(seeds)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _trim(folder, first_step)
        self._file = (folder / FILE).open("a")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1)

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()
        self._board.close()

    def write(self, step: int, split: str, metrics: Mapping[str, np.ndarray]) -> None:
        """One row, on disk when this returns; ``ValueError`` for a metric named as a field of the row."""
        if reserved := {"step", "split"} & metrics.keys():
            raise ValueError(f"a metric cannot be named {' or '.join(sorted(reserved))}")
        values = {name: np.asarray(value, np.float64).reshape(-1).tolist() for name, value in metrics.items()}
        row = {name: [_json_value(v) for v in value] for name, value in values.items()}
        if len(self.seeds) == 1:
            row = {name: value[0] for name, value in row.items()}
        self._file.write(json.dumps({"step": step, "split": split, **row}) + "\n")
        self._file.flush()
        for name, value in values.items():
            for seed, scalar in zip(self.seeds, value, strict=True):
                tag = f"{split}/{name}" if len(self.seeds) == 1 else f"{split}/{name}/seed{seed}"
                self._board.add_scalar(tag, scalar, step)
