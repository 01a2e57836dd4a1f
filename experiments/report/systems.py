"""README's head line, how many published figures are met, and its table of systems with what our runs measured.

``python -m experiments.report.systems`` (part of ``make ledger``) writes both between their marks in README.md.
"""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from experiments.numerals import counted, measured
from experiments.report.archive import Run, find_runs
from experiments.report.published import READ, figures, first_row, head_line
from experiments.run.card import Reference
from experiments.run.registry import Entry, entries

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- systems: written by make ledger -->", "<!-- end of systems -->"
HEAD_BEGIN, HEAD_END = "<!-- figures: written by make ledger -->", "<!-- end of figures -->"
ONE_BY_ONE = "[one by one](docs/ledger/README.md#one-by-one)"


def systems_table(found: Sequence[Entry], runs: Sequence[Run]) -> str:
    """A row an experiment, in the order of the catalogue's rows."""
    lines = ["| experiment | system | rows | published, and ours |", "| --- | --- | --- | --- |"]
    for entry in sorted(found, key=first_row):
        figures = "; ".join(_figures(entry, runs))
        summary, rows = entry.summary.removesuffix("."), _rows(entry.card.systems)
        lines.append(f"| `{entry.name}` | {summary} | {rows} | {figures} |")
    return "\n".join(lines) + "\n"


def between(text: str, marks: tuple[str, str], content: str) -> str:
    """A document with what stands between its marks replaced; ``ValueError`` where it has none."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not end:
        raise ValueError(f"expected the marks {marks[0]} and {marks[1]}")
    return f"{before}{begin}\n{content}{end}{after}"


def readme_of(text: str, found: Sequence[Entry], runs: Sequence[Run]) -> str:
    """README with its head line and its table as cards and runs have them now."""
    line = f"**{head_line(figures(found, runs))}** ({ONE_BY_ONE}).\n"
    return between(between(text, (HEAD_BEGIN, HEAD_END), line), (BEGIN, END), systems_table(found, runs))


def _figures(entry: Entry, runs: Sequence[Run]) -> list[str]:
    """The published figures that were replicated, and how many were not; those stand on the card."""
    figures = [_figure(entry.name, reference, runs) for reference in entry.card.references]
    replicated = [text for text in figures if text]
    left = len(figures) - len(replicated)
    return [*replicated, f"{counted(left, 'published figure')} not run"] if left else replicated


def _figure(name: str, reference: Reference, runs: Sequence[Run]) -> str:
    """As printed, and as measured; "" where no run follows its preset."""
    unit = f" {reference.unit}" if reference.unit else ""
    printed = f"{reference.metric} {reference.value:,.10g}{unit} ({reference.source}{READ[reference.read]})"
    ours = [text for run in runs if (text := _ours(name, reference, run))]
    return f"{printed}: {'; '.join(ours)}" if ours else ""


def _ours(name: str, reference: Reference, run: Run) -> str:
    summary = run.summary
    if run.problem or (summary["experiment"], summary["preset"]) != (name, reference.preset):
        return ""
    values = summary["metrics"].get(reference.metric, {"values": []})["values"]
    if not values or None in values:
        return ""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    departs = {field for claim in summary["references"] for field in claim.get("departs_in", ())}
    other = f" with other {', '.join(sorted(departs))}" if departs else ""
    ours = measured(statistics.fmean(values), deviation, reference.unit)
    return f"ours {ours} after {counted(round(summary['epochs']) or summary['epochs'], 'epoch')}{other}"


def _rows(systems: Sequence[str]) -> str:
    """Rows of the catalogue, neighbours as a range."""
    numbers = [(letter, int(number)) for letter, number in (re.match(r"([A-Z])(\d+)", row).groups() for row in systems)]
    runs: list[list[tuple[str, int]]] = []
    for letter, number in numbers:
        if runs and runs[-1][-1] == (letter, number - 1):
            runs[-1].append((letter, number))
        else:
            runs.append([(letter, number)])
    return ", ".join("–".join(f"{letter}{number}" for letter, number in (run[0], run[-1])[: len(run)]) for run in runs)


def main() -> None:
    """Writes README.md anew."""
    readme = ROOT / "README.md"
    text = readme_of(readme.read_text(encoding="utf-8"), entries(), find_runs(ROOT / "docs" / "ledger"))
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
