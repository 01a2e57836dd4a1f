"""Timed steps of a preset, and what is estimated from them."""

import itertools
import json
import sys

import pytest

from experiments.bench import presets
from experiments.report.replication import Wanted
from experiments.run.registry import load


def test_a_call_is_timed_until_the_seconds_are_full(monkeypatch):
    clock, calls = itertools.count(), []
    monkeypatch.setattr(presets.time, "perf_counter", lambda: next(clock) + 5.0 * len(calls))
    assert presets.repeated(lambda: calls.append(0), least=4.0) == 6.0, "the first call took longer: 5 and a tick"
    assert len(calls) == 1
    clock, calls = itertools.count(), []
    monkeypatch.setattr(presets.time, "perf_counter", lambda: float(len(calls)))
    assert presets.repeated(lambda: calls.append(0), least=4.0) == 1.0
    assert len(calls) == 5, "one before, and four that fill the seconds"


def test_presets_without_a_run_are_estimated_once(monkeypatch, tmp_path, capsys):
    wanted = [Wanted("mlp", "smoke"), Wanted("mlp", "default"), Wanted("mlp", "far", "mnist")]
    file = tmp_path / "estimates.json"
    file.write_text(json.dumps({"mlp default": 3.0}))
    monkeypatch.setattr(presets, "wanted_presets", lambda _: wanted)
    monkeypatch.setattr(presets, "ESTIMATES", file)
    monkeypatch.setattr(presets, "LEDGER", tmp_path / "none")
    monkeypatch.setattr(presets, "estimated_seconds", lambda: {("mlp", "default"): 3.0})
    monkeypatch.setattr(presets, "LEAST_SECONDS", 0.01)
    monkeypatch.setattr(sys, "argv", ["presets"])
    presets.main()
    found = json.loads(file.read_text())
    assert found.keys() == {"mlp default", "mlp smoke"}
    assert found["mlp default"] == 3.0
    steps = load("mlp").card.all_presets["smoke"]["steps"]
    milliseconds = float(capsys.readouterr().out.removeprefix("mlp smoke: ").split()[0])
    assert found["mlp smoke"] == pytest.approx(steps * milliseconds / 1e3, rel=0.02)
    monkeypatch.setattr(sys, "argv", ["presets", "--again"])
    presets.main()
    assert json.loads(file.read_text())["mlp default"] <= 3.0, "the smaller is kept"
