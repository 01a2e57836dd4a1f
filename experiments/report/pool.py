"""Runs that differ in the seed alone, taken together."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from experiments.report.archive import Run


class Pool(NamedTuple):
    """Runs of the same work, oldest first, and a summary of their distinct seeds."""

    runs: tuple[Run, ...]
    summary: dict[str, Any]
    repeated: tuple[int, ...] = ()
    """seeds that more than one of the runs has; of these the newest counts"""

    @property
    def name(self) -> str:
        """Names of the runs in short."""
        first, *others = sorted(run.name for run in self.runs)
        return f"{first} and {len(others)} more" if others else first


def alone(runs: Iterable[Run]) -> list[Pool]:
    """Each undamaged run by itself."""
    return [Pool((run,), run.summary) for run in runs if not run.problem]


def pooled(runs: Iterable[Run]) -> list[Pool]:
    """The undamaged runs, those that differ in the seed alone as one.

    These have the same experiment, preset, config but for ``seed`` and ``seeds``, data, origin, steps and metrics. A
    run whose values are not one for each seed stays alone.
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
        {name: value for name, value in summary["config"].items() if name not in ("seed", "seeds")},
        summary["dataset"].get("fingerprint"),
        summary.get("from"),
        {name: (metric["unit"], metric.get("protocol")) for name, metric in metrics.items()},
        "" if whole else run.name,
    ]
    return json.dumps(common, sort_keys=True)


def _age(run: Run) -> tuple[int, str]:
    """What sorts runs from the oldest to the newest: when their summaries were written."""
    return (run.folder / "summary.json").stat().st_mtime_ns, run.name


def _together(runs: list[Run]) -> Pool:
    """The pool of runs, oldest first."""
    if len(runs) == 1:
        return Pool((runs[0],), runs[0].summary)
    newest = {seed: (run, index) for run in runs for index, seed in enumerate(run.summary["seeds"])}
    seeds = sorted(newest)
    repeated = tuple(seed for seed in seeds if sum(seed in run.summary["seeds"] for run in runs) > 1)
    metrics = {
        name: metric
        | {
            "values": [run.summary["metrics"][name]["values"][index] for run, index in map(newest.get, seeds)],
        }
        for name, metric in runs[-1].summary["metrics"].items()
    }
    times = [run.summary.get("wall_seconds") for run in runs]
    summary = runs[-1].summary | {
        "seeds": seeds,
        "metrics": metrics,
        "wall_seconds": None if None in times else sum(times),
        "device": _each(runs, "device"),
        "commit": _each(runs, "commit"),
    }
    return Pool(tuple(runs), summary, repeated)


def _each(runs: Iterable[Run], name: str) -> str:
    """The different values, in the order of the runs' names."""
    values = (run.summary.get(name) for run in sorted(runs, key=lambda run: run.name))
    return "; ".join(dict.fromkeys(filter(None, values)))
