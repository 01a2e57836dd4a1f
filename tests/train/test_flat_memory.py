import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_memory_after_ten_thousand_chunks_is_that_after_a_hundred():
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{here.parents[1]}{os.pathsep}{here}", "JAX_NUM_CPU_DEVICES": "1"}
    program = [sys.executable, str(here / "flat_memory.py")]
    run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr[-2000:]
    seen = json.loads(run.stdout)
    assert seen["10000"] < 1.05 * seen["100"]
