"""A process killed at any instant inside a save or a removal loses nothing; ``crash_program.py`` does the killing."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")


def crashes(folder: Path, *, points: int, times: int, seconds: int) -> dict:
    root = Path(__file__).parents[2]
    program = [sys.executable, str(Path(__file__).with_name("crash_program.py")), str(folder), str(points), str(times)]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)}
    run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=seconds)
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout)
    broken = [report for report in found["at_events"] + found["at_times"] if "error" in report]
    assert not broken, f"{len(broken)} of them, the first: {broken[0]}\n{run.stderr[-3000:]}"
    return found


def survived(reports: list[dict]) -> Counter:
    """How many kills were survived, by where they were; only those that killed, and that a later process took up."""
    assert all(report["newest"] >= report["saved"] for report in reports)
    return Counter(report["place"] for report in reports if report["killed"])


def test_a_kill_inside_a_save_or_a_removal_loses_nothing(tmp_path):
    found = crashes(tmp_path, points=22, times=2, seconds=240)
    places = survived(found["at_events"])
    assert places.total() >= 20, places
    assert min(places["save"], places["removal"]) >= 5, places
    assert survived(found["at_times"]).total() >= 1
    assert len({report["newest"] for report in found["at_events"]}) >= 3  # all along, not only at the beginning


@pytest.mark.slow
def test_a_kill_at_every_change_of_the_folder_and_at_random_times_loses_nothing(tmp_path):
    found = crashes(tmp_path, points=10_000, times=100, seconds=1800)
    places = survived(found["at_events"])
    assert len(found["at_events"]) == found["events"]
    assert places.total() >= found["events"] - 3, places  # the order of threads may spare the last ones
    assert min(places["save"], places["removal"]) >= 50, places
    assert places["clearing"] >= 10, places  # of what an earlier kill has left
    assert survived(found["at_times"]).total() >= 50
