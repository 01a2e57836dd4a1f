"""Runs that differ in the seed or in the draw of a random split alone, taken together."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from experiments.draws import SPLIT_SEED, random_split
from experiments.numerals import counted
from experiments.report.archive import Run

Measured = tuple[Run, int]
"""A run and the place of a seed's values in it."""


class Pool(NamedTuple):
    """Runs of the same work, oldest first, and a summary of their distinct seeds.

    On several random splits a metric has a value for each, the mean of its seeds: seeds on one split share its luck,
    and do not count as draws of their own.
    """

    runs: tuple[Run, ...]
    summary: dict[str, Any]
    repeated: tuple[int, ...] = ()
    """seeds that more than one of the runs has; of these the newest counts"""
    splits: int = 0
    """how many random splits there are a value for, where there are several"""

    @property
    def name(self) -> str:
        """Names of the runs in short."""
        first, *others = sorted(run.name for run in self.runs)
        return f"{first} and {len(others)} more" if others else first


def alone(runs: Iterable[Run]) -> list[Pool]:
    """Each undamaged run by itself."""
    return [Pool((run,), run.summary) for run in runs if not run.problem]


def pooled(runs: Iterable[Run]) -> list[Pool]:
    """The undamaged runs, those that differ in the seed or in the draw of a random split alone as one.

    These have the same experiment, preset, config but for ``seed`` and ``seeds``, data but for the draw, origin, steps
    and metrics. A run whose values are not one for each seed stays alone.
    """
    groups = defaultdict(list)
    for run in runs:
        if not run.problem:
            groups[_work(run)].append(run)
    return [_together(sorted(group, key=_age)) for group in groups.values()]


def _work(run: Run) -> str:
    """What the run has in common with those that it is pooled with."""
    summary = run.summary
    seeds, metrics = summary["seeds"], summary["metrics"]
    whole = len(set(seeds)) == len(seeds) and all(len(metric["values"]) == len(seeds) for metric in metrics.values())
    common = [
        *(summary[name] for name in ("experiment", "preset", "steps")),
        {name: value for name, value in summary["config"].items() if name not in ("seed", "seeds", SPLIT_SEED)},
        _split(run) > 0,
        _data(run, "random splits") if _split(run) else summary["dataset"].get("fingerprint"),
        summary.get("from"),
        {name: (metric["unit"], metric.get("protocol")) for name, metric in metrics.items()},
        "" if whole else run.name,
    ]
    return json.dumps(common, sort_keys=True)


def _split(run: Run) -> int:
    """The random split that the run is of; 0 where it is of none."""
    seed = run.summary["config"].get(SPLIT_SEED)
    return seed if isinstance(seed, int) else 0


def _data(run: Run, draw: str) -> str:
    """The data's protocol, with other words for the draw of its split."""
    return run.summary["dataset"]["protocol"].replace(random_split(_split(run)), draw)


def _age(run: Run) -> tuple[int, str]:
    """What sorts runs from the oldest to the newest: when their summaries were written."""
    return (run.folder / "summary.json").stat().st_mtime_ns, run.name


def _together(runs: list[Run]) -> Pool:
    """The pool of runs, oldest first."""
    if len(runs) == 1:
        return Pool((runs[0],), runs[0].summary)
    newest: dict[int, dict[int, Measured]] = defaultdict(dict)
    for run in runs:
        for index, seed in enumerate(run.summary["seeds"]):
            newest[_split(run)][seed] = run, index
    by_split = [sorted(newest[split].items()) for split in sorted(newest)]
    times_run = Counter((_split(run), seed) for run in runs for seed in run.summary["seeds"])
    times = [run.summary.get("wall_seconds") for run in runs]
    summary = runs[-1].summary | {
        "seeds": [seed for of_split in by_split for seed, _ in of_split],
        "metrics": {
            name: metric | {"values": _values(name, [[measured for _, measured in each] for each in by_split])}
            for name, metric in runs[-1].summary["metrics"].items()
        },
        "wall_seconds": None if None in times else sum(times),
        "device": _each(runs, "device"),
        "commit": _each(runs, "commit"),
    }
    if (splits := len(by_split)) > 1:
        summary["dataset"] = summary["dataset"] | {"protocol": _data(runs[-1], counted(splits, "random split"))}
    repeated = tuple(seed for (_, seed), count in sorted(times_run.items()) if count > 1)
    return Pool(tuple(runs), summary, repeated, splits if splits > 1 else 0)


def _values(name: str, by_split: list[list[Measured]]) -> list[float | None]:
    """The metric's value of each seed, or on several splits the mean of each split's seeds."""
    values = [[run.summary["metrics"][name]["values"][index] for run, index in each] for each in by_split]
    return values[0] if len(values) == 1 else [_mean(each) for each in values]


def _mean(values: list[float | None]) -> float | None:
    return None if None in values else statistics.fmean(values)


def _each(runs: Iterable[Run], name: str) -> str:
    """The different values, in the order of the runs' names."""
    values = (run.summary.get(name) for run in sorted(runs, key=lambda run: run.name))
    return "; ".join(dict.fromkeys(filter(None, values)))
