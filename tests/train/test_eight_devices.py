"""Many devices give the numbers of one: in a process of its own, as the number of devices is fixed when JAX starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WAYS = [f"{shard} {count}" for shard in ("batch", "seeds", "parameters") for count in (2, 4, 8)]


@pytest.fixture(scope="module")
def found():
    root = Path(__file__).parents[2]
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)}
    program = [sys.executable, str(Path(__file__).with_name("eight_devices.py"))]
    run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("way", WAYS)
def test_the_numbers_are_those_of_one_device(found, way):
    assert found["devices"] == 8
    assert found["chunk"][way] < 1e-9


@pytest.mark.parametrize("way", [f"{way.split()[0]} {count}" for way in WAYS[::3] for count in (1, 2, 8)])
def test_a_checkpoint_of_four_devices_goes_on_on_another_number(found, way):
    assert found["restored"][way] < 1e-9


@pytest.mark.parametrize("count", [2, 4, 8])
def test_memory_per_device_falls_as_one_over_their_number(found, count):
    (whole,) = found["bytes"]["one"]
    assert found["bytes"][f"batch {count}"] == [whole] * count
    for shard in ("seeds", "parameters"):
        # what is not divided are the optimiser's step counts
        assert max(found["bytes"][f"{shard} {count}"]) < whole / count * 1.02
