"""README's head line, how many published figures are met, and its table of systems with what our runs measured.

``python -m experiments.report.systems`` (part of ``make ledger``) writes both between their marks in README.md.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.numerals import counted
from experiments.report.archive import Run, find_runs
from experiments.report.ledger import ours
from experiments.report.published import NO_CARD, Figure, figures, first_row, head_line
from experiments.run.registry import Entry, entries

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- systems: written by make ledger -->", "<!-- end of systems -->"
HEAD_BEGIN, HEAD_END = "<!-- figures: written by make ledger -->", "<!-- end of figures -->"
SHOWN = 3
"""Published figures of an experiment, at most."""
ONE_BY_ONE = "[one by one](docs/ledger/README.md#one-by-one)"


def systems_table(found: Sequence[Entry], runs: Sequence[Run]) -> str:
    """A row an experiment, in the order of the catalogue's rows."""
    lines = ["| experiment | system | rows | ours, and published |", "| --- | --- | --- | --- |"]
    of_cards = [figure for figure in figures(found, runs) if figure.published.family != NO_CARD]
    for entry in sorted(found, key=first_row):
        own = [figure for figure in of_cards if figure.published.experiment == entry.name]
        summary, rows = entry.summary.removesuffix("."), _rows(entry.card.systems)
        lines.append(f"| `{entry.name}` | {summary} | {rows} | {'; '.join(_figures(own))} |")
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


def _figures(found: Sequence[Figure]) -> list[str]:
    """Those that were run, of many the first, and how many more there are; how they are printed stands on the page."""
    run = [figure for figure in found if figure.row is not None]
    presets = Counter(metric for metric, _ in {(each.published.metric, each.published.preset) for each in run})
    shown = [_figure(figure, of_preset=presets[figure.published.metric] > 1) for figure in run[:SHOWN]]
    more = [f"{len(run) - SHOWN} more run"] if len(run) > SHOWN else []
    left = len(found) - len(run)
    return [*shown, *more, *([f"{counted(left, 'published figure')} not run"] if left else [])]


def _figure(figure: Figure, of_preset: bool) -> str:
    """Ours, the published one and the verdict; the preset where others measure the same."""
    published, why = figure.published, f", {figure.reason}" if figure.reason else ""
    name = f"`{published.preset}` {published.metric}" if of_preset else published.metric
    measures = f"{name} {ours(figure.row)}, published {published.value:,.10g}"
    return f"{measures} ({figure.state}{why})"


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
