"""What every experiment costs as it is by default: the whole command, from a bare start to its last figure.

``python -m experiments.bench.defaults`` (``make times``) runs each as a user would, one after the other, into
``runs/defaults``, with no program compiled before, and writes wall time, CPU time and peak memory to
``docs/ledger/defaults.json``. What is measured already stays; names measure these alone, and anew.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from experiments.bench.process import finished
from experiments.numerals import duration
from experiments.report.costs import DEFAULTS, DefaultCost, default_costs
from experiments.run.registry import entries

RUNS = Path("runs") / "defaults"


def cost_of(name: str, workdir: Path) -> DefaultCost:
    """Runs an experiment's default into a new folder; ``CalledProcessError`` where that fails."""
    command = [sys.executable, "-m", "experiments.cli", "run", name, "--workdir", str(workdir)]
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile() as output:
        ended = finished(command, os.environ | {"XDG_CACHE_HOME": cache}, output, output)
        if ended.status:
            output.seek(0)
            raise subprocess.CalledProcessError(ended.status, command, output.read().decode(errors="replace"))
    summary = json.loads((workdir / "summary.json").read_text(encoding="utf-8"))
    return DefaultCost(
        seconds=round(ended.seconds, 1),
        cpu_seconds=round(ended.cpu_seconds, 1),
        megabytes=round(ended.megabytes),
        steps=summary["steps"],
        device=summary["device"],
        commit=summary["commit"],
    )


def folder_of(name: str, runs: Path) -> Path:
    """The first that is not taken: NAME, NAME-2, …"""
    taken = sum(path.name.partition("-")[0] == name for path in runs.glob(f"{name}*"))
    return runs / (f"{name}-{taken + 1}" if taken else name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the experiments that are named, else those that have no cost yet, and keeps each as it is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help="measure these alone, and anew")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the runs are kept")
    given, known = parser.parse_args(arguments), [entry.name for entry in entries()]
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"no experiment {', '.join(unknown)}; see lectern list")
    found = {name: cost for name, cost in default_costs().items() if name in known}
    for name in given.names or [name for name in known if name not in found]:
        try:
            found[name] = cost_of(name, folder_of(name, given.runs))
        except subprocess.CalledProcessError as error:
            sys.exit(f"{name} ended with status {error.returncode}:\n{error.output}")
        cost = found[name]
        print(f"{name}: {duration(cost.seconds)}, {duration(cost.cpu_seconds)} of a core, {cost.megabytes} MB")
        named = {each: found[each]._asdict() for each in sorted(found)}
        DEFAULTS.write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
