"""What a default run costs, measured from outside."""

import json
import sys

import pytest

from experiments.bench import defaults
from experiments.bench.process import finished
from experiments.report.costs import DefaultCost

FOUND = DefaultCost(seconds=2.0, cpu_seconds=3.0, megabytes=5, steps=7, device="cpu ×1", commit=None)


def test_a_process_is_measured(tmp_path):
    program = (
        "import sys, time; held = bytearray(300 * 2**20); print('out'); sys.stderr.write('err'); time.sleep(0.3);"
        "sys.exit(3)"
    )
    with (tmp_path / "out").open("w+") as output, (tmp_path / "err").open("w+") as errors:
        ended = finished([sys.executable, "-c", program], {}, output, errors)
        output.seek(0)
        errors.seek(0)
        assert (output.read(), errors.read(), ended.status) == ("out\n", "err", 3)
    assert ended.seconds > 0.3
    assert ended.megabytes > 300


def test_what_has_no_cost_yet_is_measured_and_what_is_named(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(defaults, "DEFAULTS", tmp_path / "defaults.json")
    monkeypatch.setattr(defaults, "default_costs", lambda: {"vae": FOUND, "gone": FOUND})
    monkeypatch.setattr(defaults, "entries", lambda: [type("Entry", (), {"name": name}) for name in ("vae", "mlp")])
    monkeypatch.setattr(
        defaults, "cost_of", lambda name, workdir: asked.append((name, workdir.name)) or FOUND._replace(megabytes=6)
    )
    defaults.main(["--runs", str(tmp_path)])
    (tmp_path / "vae").mkdir()
    defaults.main(["--runs", str(tmp_path), "vae"])
    assert asked == [("mlp", "mlp"), ("vae", "vae-2")]
    assert capsys.readouterr().out.splitlines()[0] == "mlp: 2.0 s, 3.0 s of a core, 6 MB"
    assert json.loads((tmp_path / "defaults.json").read_text())["vae"]["megabytes"] == 6
    with pytest.raises(SystemExit):
        defaults.main(["nothing"])


def test_a_run_that_fails_is_said_with_what_it_printed(monkeypatch, tmp_path):
    monkeypatch.setattr(defaults, "default_costs", dict)
    monkeypatch.setattr(defaults, "DEFAULTS", tmp_path / "defaults.json")
    (tmp_path / "mlp").mkdir()
    monkeypatch.setattr(defaults, "folder_of", lambda name, runs: runs / name)
    (tmp_path / "mlp" / "something").touch()
    with pytest.raises(SystemExit, match=r"mlp ended with status 2:\n.*not an empty folder"):
        defaults.main(["--runs", str(tmp_path), "mlp"])
    assert not (tmp_path / "defaults.json").exists()
