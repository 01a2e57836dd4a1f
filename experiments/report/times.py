"""What the experiments' default runs cost, and the wall time of the whole ledger.

``python -m experiments.report.times`` (part of ``make ledger``) writes both into ``docs/ledger/README.md``, of what
``make times`` has measured and of what the archive's runs recorded.
"""

from collections.abc import Mapping, Sequence

from experiments.numerals import counted, duration
from experiments.report.archive import Run, find_runs
from experiments.report.costs import LEDGER, DefaultCost, default_costs
from experiments.report.systems import between
from experiments.run.registry import entries

MARKS = "<!-- times: written by make ledger -->", "<!-- end of times -->"


def times_table(costs: Mapping[str, DefaultCost], experiments: Sequence[str], runs: Sequence[Run]) -> str:
    """A row an experiment, the longest first; then how many have none, and the sum of all ``runs``."""
    known = {name: cost for name, cost in costs.items() if name in experiments}
    lines = ["| experiment | steps | wall time | of a core | peak memory |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [_row(name, cost) for name, cost in sorted(known.items(), key=lambda each: (-each[1].seconds, each[0]))]
    devices = ", ".join(sorted({cost.device for cost in known.values()}))
    measured = f"{counted(len(known), 'default run')} on {devices}" if known else "No default run was measured"
    missing = len(set(experiments) - known.keys())
    without = f"; {counted(missing, 'experiment')} not yet measured" if missing else ""
    total = sum(cost.seconds for cost in known.values())
    archived = [run.summary["wall_seconds"] for run in runs if not run.problem and run.summary["wall_seconds"]]
    said = (
        f"{measured}: {duration(total)}{without}. The archive's {counted(len(archived), 'run')}: "
        f"{duration(sum(archived))} of wall time."
    )
    return "\n".join([*lines, "", said, ""])


def _row(name: str, cost: DefaultCost) -> str:
    cells = name, f"{cost.steps:,}", duration(cost.seconds), duration(cost.cpu_seconds), f"{cost.megabytes:,} MB"
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Writes the ledger's README anew."""
    readme = LEDGER / "README.md"
    table = times_table(default_costs(), [entry.name for entry in entries()], find_runs(LEDGER))
    readme.write_text(between(readme.read_text(encoding="utf-8"), MARKS, table), encoding="utf-8")


if __name__ == "__main__":
    main()
