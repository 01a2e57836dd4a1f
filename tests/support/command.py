"""The command line as a user starts it, in a process of its own, and what it leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALL = ["--preset", "smoke", "--widths", "16", "--latent", "2"]


def lectern(*words, cwd=ROOT):
    """A process of the command line as a user starts it: one device, no checks of types."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "experiments.cli", *map(str, words)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def sha_of(folder):
    return json.loads((folder / "summary.json").read_text())["state_sha256"]


def rows_of(folder):
    """The whole rows of a run's metrics."""
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def trained_steps(folder):
    """The steps of the rows of training, in the order of the file."""
    return [row["step"] for row in rows_of(folder) if row["split"] == "train"]


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
