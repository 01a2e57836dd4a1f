"""What a preset costs: the wall time that finished runs of it recorded, or an estimate that is kept beside the ledger.

Both are in proportion to steps and seeds. ``python -m experiments.bench.presets`` makes the estimates, from a few steps
of each preset that the ledger has no run of: they are of training alone, on the machine that made them.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from experiments.report.archive import Run

LEDGER = Path(__file__).parents[2] / "docs" / "ledger"
"""The archive of this repository."""
ESTIMATES = LEDGER / "estimates.json"
"""{"experiment preset": seconds of training of one seed}"""


DEFAULTS = LEDGER / "defaults.json"
"""{experiment: what its default run cost}, measured by ``python -m experiments.bench.defaults``"""


class DefaultCost(NamedTuple):
    """What the whole command ``lectern run NAME`` took, with nothing compiled before."""

    seconds: float
    """of wall time"""
    cpu_seconds: float
    """of all cores"""
    megabytes: int
    """the most memory that it held"""
    steps: int
    device: str
    commit: str | None


def default_costs(file: Path = DEFAULTS) -> dict[str, DefaultCost]:
    """By experiment; nothing where there is no file."""
    if not file.is_file():
        return {}
    return {name: DefaultCost(**cost) for name, cost in json.loads(file.read_text(encoding="utf-8")).items()}


class Rate(NamedTuple):
    """Seconds that a preset takes for a step of one seed, evaluation and saving included where a run told them."""

    seconds: float
    told_by: str
    """the run, or "estimate" """


def recorded_rates(runs: Iterable[Run]) -> dict[tuple[str, str], Rate]:
    """By experiment and preset, the rate of the run with most steps; of equally long ones the first by name."""
    longest: dict[tuple[str, str], Run] = {}
    for run in sorted(runs, key=lambda run: run.name):
        if run.problem or not run.summary["steps"] or not run.summary["seeds"] or run.summary["wall_seconds"] is None:
            continue
        key = run.summary["experiment"], run.summary["preset"]
        if key not in longest or run.summary["steps"] > longest[key].summary["steps"]:
            longest[key] = run
    return {
        key: Rate(run.summary["wall_seconds"] / run.summary["steps"] / len(run.summary["seeds"]), run.name)
        for key, run in longest.items()
    }


def estimated_seconds(file: Path = ESTIMATES) -> dict[tuple[str, str], float]:
    """By experiment and preset, seconds of training of one seed; nothing where there is no file."""
    if not file.is_file():
        return {}
    return {tuple(name.split(" ")): float(value) for name, value in json.loads(file.read_text()).items()}


def seconds(
    experiment: str,
    preset: str,
    *,
    steps: int,
    seeds: int,
    rates: dict[tuple[str, str], Rate],
    estimates: dict[tuple[str, str], float],
) -> float | None:
    """What so many seeds of a preset of so many steps take; None where no run and no estimate says it."""
    if rate := rates.get((experiment, preset)):
        return rate.seconds * steps * seeds
    estimate = estimates.get((experiment, preset))
    return None if estimate is None else estimate * seeds
