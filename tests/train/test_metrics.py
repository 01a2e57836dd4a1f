"""Oracles of ``train/metrics.py``: rows as written, strict JSON, no row twice, and the same scalars for TensorBoard."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from train.metrics import DAMAGED, FILE, MetricsWriter, missing_rows, read_rows


def write(folder: Path, steps, seeds=(0,), first_step: int = 0) -> None:
    with MetricsWriter(folder, seeds, first_step) as writer:
        for step in steps:
            writer.write(step, "train", {"loss": np.array([step + seed / 8 for seed in seeds], np.float32)})


def steps(folder: Path) -> list[int]:
    return [row["step"] for row in read_rows(folder)]


def strict(line: str) -> dict:
    """Parses by the standard, which has no NaN and no Infinity."""

    def refuse(constant: str):
        raise ValueError(f"{constant} is not JSON")

    return json.loads(line, parse_constant=refuse)


def events(folder: Path) -> list[Event]:
    """All events of a folder, by TFRecord's framing: length, its checksum, data, its checksum."""
    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        raw, at = path.read_bytes(), 0
        while at < len(raw):
            (length,) = struct.unpack_from("<Q", raw, at)
            found.append(Event.FromString(raw[at + 12 : at + 12 + length]))
            at += 16 + length
    return found


def scalars(folder: Path) -> list[tuple[int, str, float]]:
    return [(e.step, value.tag, value.simple_value) for e in events(folder) for value in e.summary.value]


def test_rows_are_read_as_they_were_written(tmp_path):
    with MetricsWriter(tmp_path, [7]) as writer:
        writer.write(10, "train", {"loss": np.array([0.1]), "accuracy": np.array([2.0], np.float32)})
        writer.write(20, "validation", {"nll": np.array(1 / 3)})
    assert list(read_rows(tmp_path)) == [
        {"step": 10, "split": "train", "loss": 0.1, "accuracy": 2.0},
        {"step": 20, "split": "validation", "nll": 1 / 3},
    ]


def test_several_seeds_are_lists(tmp_path):
    with MetricsWriter(tmp_path, [7, 8, 9]) as writer:
        writer.write(1, "train", {"loss": np.array([0.5, -1.0, 1e-300])})
    assert list(read_rows(tmp_path)) == [{"step": 1, "split": "train", "loss": [0.5, -1.0, 1e-300]}]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_come_back_exactly(tmp_path, dtype):
    values = np.random.default_rng(0).standard_normal(50).astype(dtype) * np.logspace(-30, 30, 50).astype(dtype)
    with MetricsWriter(tmp_path, [0]) as writer:
        for step, value in enumerate(values):
            writer.write(step, "train", {"x": value[None]})
    np.testing.assert_array_equal([row["x"] for row in read_rows(tmp_path)], values.astype(np.float64))


@pytest.mark.filterwarnings("ignore:NaN or Inf found")
def test_what_is_not_finite_is_null_and_the_file_strict_json(tmp_path):
    with MetricsWriter(tmp_path, [0, 1, 2]) as writer:
        writer.write(1, "train", {"loss": np.array([math.nan, 1.0, math.inf])})
        writer.write(2, "train", {"loss": np.array([-math.inf, 2.0, 3.0])})
    rows = [strict(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert [row["loss"] for row in rows] == [[None, 1.0, None], [None, 2.0, 3.0]]


def test_a_row_is_in_the_file_when_write_returns(tmp_path):
    with MetricsWriter(tmp_path, [0]) as writer:
        for step in (1, 2):
            writer.write(step, "train", {"loss": np.ones(1)})
            assert steps(tmp_path)[-1] == step


def test_a_resumed_writer_drops_the_rows_that_are_taken_again(tmp_path):
    write(tmp_path, [10, 20, 30, 40])
    write(tmp_path, [30, 40, 50], first_step=20)
    assert steps(tmp_path) == [10, 20, 30, 40, 50]


def test_a_resumed_writer_keeps_both_splits_of_its_first_step(tmp_path):
    with MetricsWriter(tmp_path, [0]) as writer:
        for step in (10, 20):
            for split in ("train", "validation"):
                writer.write(step, split, {"loss": np.array([step])})
    write(tmp_path, [], first_step=10)
    assert [(row["step"], row["split"]) for row in read_rows(tmp_path)] == [(10, "train"), (10, "validation")]


def test_the_kept_rows_are_unchanged(tmp_path):
    write(tmp_path, [10, 20, 30], seeds=(0, 1))
    before = (tmp_path / FILE).read_text().splitlines()
    write(tmp_path, [], seeds=(0, 1), first_step=20)
    assert (tmp_path / FILE).read_text().splitlines() == before[:2]


def test_a_new_run_starts_an_empty_file(tmp_path):
    write(tmp_path, [10, 20])
    write(tmp_path, [5])
    assert steps(tmp_path) == [5]


@pytest.mark.parametrize("cut", range(1, 45, 4))
def test_a_torn_last_line_is_passed_over_and_then_dropped(tmp_path, cut):
    write(tmp_path, [10, 20, 30])
    path = tmp_path / FILE
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:cut])
    assert steps(tmp_path) == [10, 20]
    write(tmp_path, [30, 40], first_step=20)
    assert [strict(line)["step"] for line in path.read_text().splitlines()] == [10, 20, 30, 40]


def test_a_last_line_without_its_end_is_not_joined_to_the_next(tmp_path):
    write(tmp_path, [10, 20])
    path = tmp_path / FILE
    path.write_text(path.read_text().rstrip("\n"))
    write(tmp_path, [30], first_step=20)
    assert steps(tmp_path) == [10, 20, 30]


def test_no_rows_where_nothing_was_written(tmp_path):
    assert list(read_rows(tmp_path)) == []


@pytest.mark.parametrize("name", ["step", "split"])
def test_a_metric_never_takes_the_place_of_the_step_or_the_split(tmp_path, name):
    with MetricsWriter(tmp_path, [0]) as writer:
        try:
            writer.write(10, "train", {name: np.array([3.5])})
        except ValueError:
            return
    assert [(row["step"], row["split"]) for row in read_rows(tmp_path)] == [(10, "train")]


def test_tensorboard_has_the_same_scalars_of_one_seed(tmp_path):
    with MetricsWriter(tmp_path, [7]) as writer:
        writer.write(10, "train", {"loss": np.array([0.1]), "kl": np.array([2.5])})
        writer.write(20, "validation", {"loss": np.array([0.3])})
    expected = [(10, "train/loss", 0.1), (10, "train/kl", 2.5), (20, "validation/loss", 0.3)]
    assert scalars(tmp_path) == [(step, tag, float(np.float32(value))) for step, tag, value in expected]


def test_tensorboard_has_a_curve_for_every_seed(tmp_path):
    with MetricsWriter(tmp_path, [7, 8]) as writer:
        writer.write(10, "train", {"loss": np.array([0.5, 0.25])})
    assert scalars(tmp_path) == [(10, "train/loss/seed7", 0.5), (10, "train/loss/seed8", 0.25)]


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard draws: the start of a session forgets every event of its step and later ones."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for event in events(folder):
        if event.HasField("session_log") and event.session_log.status == 1:
            curves = {tag: [point for point in curve if point[0] < event.step] for tag, curve in curves.items()}
        for value in event.summary.value:
            curves.setdefault(value.tag, []).append((event.step, value.simple_value))
    return {tag: curve for tag, curve in curves.items() if curve}


def test_tensorboard_forgets_the_steps_that_are_taken_again(tmp_path):
    write(tmp_path, [10, 20, 30])
    write(tmp_path, [30, 40], first_step=20)
    assert shown(tmp_path) == {"train/loss": [(step, step) for step in (10, 20, 30, 40)]}


def test_tensorboard_forgets_the_final_evaluation_of_a_run_that_goes_on(tmp_path):
    write(tmp_path, [10, 20], seeds=(0, 1))
    with MetricsWriter(tmp_path, [0, 1], first_step=20) as writer:
        writer.write(20, "final", {"nll": np.array([1.0, math.nan])})
    write(tmp_path, [30], seeds=(0, 1), first_step=20)
    assert shown(tmp_path) == {
        f"train/loss/seed{seed}": [(step, step + seed / 8) for step in (10, 20, 30)] for seed in (0, 1)
    }


NO_ROWS = [b"null", b"[1]", b"{}", b'{"step": 1.5, "split": "train"}', b'"\xff"', b"{torn", b"", b"[" * 100_000]
NO_ROWS += [b'{"step": 20, "split": "train", "loss": %s}' % each for each in (b'"low"', b"{}", b"true", b"[1, []]")]


@pytest.mark.parametrize("line", NO_ROWS, ids=range(len(NO_ROWS)))
def test_a_damaged_line_is_named_and_the_file_kept_as_it_was(tmp_path, line):
    write(tmp_path, [10, 20, 30])
    path = tmp_path / FILE
    rows = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([rows[0], line, *rows[2:], b""]))
    damaged = path.read_bytes()
    assert "damaged in line 2: left out, and kept in metrics.jsonl.damaged" in missing_rows(tmp_path, 30)
    write(tmp_path, [40], first_step=30)
    assert steps(tmp_path) == [10, 30, 40]
    assert (tmp_path / (FILE + DAMAGED)).read_bytes() == damaged
    assert missing_rows(tmp_path, 40) == ""


def test_rows_that_are_lost_are_named(tmp_path):
    assert missing_rows(tmp_path, 0) == ""
    assert "ends at step 0: the rows up to step 20 are lost" in missing_rows(tmp_path, 20)
    write(tmp_path, [10])
    assert "ends at step 10" in missing_rows(tmp_path, 20)
    assert missing_rows(tmp_path, 10) == ""
