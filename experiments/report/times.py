"""What the experiments' default runs take, and the whole ledger, from the wall times that finished runs recorded.

``python -m experiments.report.times RUNS …`` prints the table of the default runs at or below these folders;
without one it writes that of the archive into ``docs/ledger/README.md``, as ``make ledger`` does. ``make times`` runs
every default that ``runs/defaults`` lacks, one after the other, and prints theirs.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.numerals import counted, duration
from experiments.report.archive import Run, find_runs
from experiments.report.costs import LEDGER
from experiments.report.systems import between
from experiments.run.registry import entries

MARKS = "<!-- times: written by make ledger -->", "<!-- end of times -->"


def times_table(runs: Sequence[Run], experiments: Sequence[str]) -> str:
    """A row a run of a preset ``default``, by experiment; then the sum, and how many ``experiments`` have none."""
    timed = [run for run in runs if not run.problem and run.summary["wall_seconds"] is not None]
    defaults = sorted(
        (run for run in timed if run.summary["preset"] == "default"),
        key=lambda run: (run.summary["experiment"], run.name),
    )
    lines = ["| experiment | run | seeds | steps | wall time | of it compiling | a seed | device |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |", *map(_row, defaults)]
    missing = len(set(experiments) - {run.summary["experiment"] for run in defaults})
    total = sum(run.summary["wall_seconds"] for run in timed)
    said = f"{counted(len(timed), 'run')} of any preset: {duration(total)} of wall time."
    return "\n".join([*lines, "", f"{counted(missing, 'experiment')} without a default run here. {said}", ""])


def _row(run: Run) -> str:
    summary = run.summary
    compiling = summary.get("compile_seconds")
    cells = (
        summary["experiment"],
        f"`{run.name}`",
        str(len(summary["seeds"])),
        f"{summary['steps']:,}",
        duration(summary["wall_seconds"]),
        duration(compiling) if isinstance(compiling, int | float) else "",
        duration(summary["wall_seconds"] / max(len(summary["seeds"]), 1)),
        summary["device"].replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints the table of the folders that are named, or writes the archive's."""
    names = [entry.name for entry in entries()]
    if folders := sys.argv[1:]:
        print(times_table([run for folder in folders for run in find_runs(Path(folder))], names), end="")
        return
    readme = LEDGER / "README.md"
    text = between(readme.read_text(encoding="utf-8"), MARKS, times_table(find_runs(LEDGER), names))
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
