"""Published figures, one by one: each with the runs that stand beside it, whether it is met, or why it was not run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from experiments.numerals import counted, duration
from experiments.report.archive import Run
from experiments.report.ledger import LedgerRow, ledger_rows
from experiments.report.verdict import LEAST_SEEDS, STANDARD_ERRORS, Comparison, binomial_error, compare
from experiments.run.card import Reference
from experiments.run.registry import Entry

State = Literal["met", "near", "far", "not compared", "not run"]
STATES: tuple[State, ...] = ("met", "near", "far", "not compared", "not run")
READ = {"source": "", "secondary": ", quoted", "memory": ", from memory"}
FAMILIES = "FACVSG"
"""Letters of the catalogue's rows, in its order."""
NO_CARD = "without a card"
"""The family of figures that a run claims and no card has."""


class Published(NamedTuple):
    """A published figure, of a card or of a run's own summary."""

    family: str
    experiment: str
    preset: str
    metric: str
    value: float
    unit: str
    source: str
    """where it is printed, and how it was read"""
    protocol: str = ""
    tested: int | None = None
    standard_error: float | None = None
    not_run: str = ""
    """what keeps it from being run"""
    steps: int | None = None
    """of its preset, where that names them"""


class Figure(NamedTuple):
    """A published figure beside ours."""

    published: Published
    row: LedgerRow | None = None
    """of the run, or of the runs that are pooled, which tells most"""
    comparison: Comparison | None = None
    others: tuple[str, ...] = ()
    """names of further runs of its preset"""
    share: float | None = None
    """of the preset's steps, where the run took fewer"""

    @property
    def state(self) -> State:
        """The verdict, or that there is none; of too few seeds none is "met"."""
        if self.row is None:
            return "not run"
        if self.comparison is None or (self.comparison.verdict == "met" and self._of_few_seeds):
            return "not compared"
        return self.comparison.verdict

    @property
    def _of_few_seeds(self) -> bool:
        return len(self.row.values) < LEAST_SEEDS

    @property
    def reason(self) -> str:
        """Why there is no verdict, or what weakens it; "" where there is nothing to say."""
        if self.row is None:
            return self.published.not_run
        if self.row.settings and self.comparison is None:
            return f"other settings: {self.row.settings}"
        if self.comparison is None:
            return f"measured in {self.row.unit or 'another unit'}" if self.row.mean is not None else "not finite"
        few = f"{self.row.draws} of at least {LEAST_SEEDS}" if self._of_few_seeds else ""
        short = "" if self.share is None else f"{100 * self.share:.2g} % of the preset's steps"
        return ", ".join(filter(None, (few or self._how(), short)))

    def _how(self) -> str:
        """By what a figure is met, where that is not by three standard errors of seeds that agree."""
        comparison, published = self.comparison, self.published
        if comparison.better or comparison.loose:
            apart = "splits" if self.row.splits else "seeds"
            return "better" if comparison.better else f"only as its {apart} differ widely"
        beyond = comparison.standard_errors is None or abs(comparison.standard_errors) > STANDARD_ERRORS
        if comparison.verdict != "met" or not beyond:
            return ""
        of_tests = abs(self.row.mean - published.value) <= binomial_error(published.value, published.tested)
        return "within the error of the test set" if of_tests else "to the last printed digit"


def figures(
    entries: Iterable[Entry], runs: Sequence[Run], estimates: Mapping[tuple[str, str], float] = MappingProxyType({})
) -> list[Figure]:
    """Every figure of the cards, in the catalogue's order, then those that runs alone claim.

    ``estimates`` are seconds of training a seed of a preset, for those that were not run.
    """
    rows: dict[tuple[str, str, str], list[LedgerRow]] = {}
    for row in ledger_rows(runs, every=True, pool=True):
        rows.setdefault((row.experiment, row.preset, row.metric), []).append(row)
    configs = {run.name: run.summary["config"] for run in runs if not run.problem}
    cards = [
        published_on(entry, reference, estimates.get((entry.name, reference.preset)))
        for entry in sorted(entries, key=first_row)
        for reference in entry.card.references
    ]
    known = {(each.experiment, each.preset, each.metric, float(each.value)) for each in cards}
    claimed = [each for each in _claims(runs) if (*each[1:4], float(each.value)) not in known]
    return [_figure(each, rows.get(each[1:4], []), configs) for each in (*cards, *claimed)]


def first_row(entry: Entry) -> tuple[int, int, str]:
    """What sorts experiments by the first of their rows of the catalogue."""
    letter, number = re.match(r"([A-Z])(\d+)", entry.card.systems[0]).groups()
    return FAMILIES.find(letter) % (len(FAMILIES) + 1), int(number), entry.name


def published_on(entry: Entry, reference: Reference, estimate: float | None = None) -> Published:
    """A figure of a card; a seed of its preset is estimated to take so many seconds."""
    return Published(
        entry.family,
        entry.name,
        reference.preset,
        reference.metric,
        reference.value,
        reference.unit,
        reference.source + READ[reference.read],
        reference.protocol,
        reference.tested,
        reference.standard_error,
        _not_run(entry, reference, estimate),
        entry.card.all_presets[reference.preset].get("steps"),
    )


def _not_run(entry: Entry, reference: Reference, estimate: float | None) -> str:
    """What keeps a figure from being run: what stands on its card, its data, its time."""
    data = entry.card.data_of(reference)
    lacking = f"needs {data}, which does not ship" if data else ""
    time = "" if estimate is None else f"about {duration(estimate)} of training a seed"
    return reference.obstacle or "; ".join(filter(None, (lacking, time)))


def head_line(found: Sequence[Figure]) -> str:
    """How many figures are met of how many were tried."""
    count = {state: sum(figure.state == state for figure in found) for state in STATES}
    tried = len(found) - count["not run"]
    compared = [figure.comparison for figure in found if figure.state == "met"]
    better, loose = sum(each.better for each in compared), sum(each.loose for each in compared)
    how = {"as ours is better": better, "only as seeds differ widely": loose}
    told = ", ".join(f"{number} {why}" for why, number in how.items() if number)
    met = f"{count['met']} met of {counted(tried, 'published figure')} tried" + (f" ({told})" if told else "")
    others = ", ".join(f"{count[state]} {state}" for state in ("near", "far", "not compared") if count[state])
    return "; ".join(filter(None, (met, others, f"{count['not run']} not run" if count["not run"] else "")))


def _claims(runs: Iterable[Run]) -> list[Published]:
    """The figures that undamaged runs claim, each once."""
    found: dict[Published, None] = {}
    for run in runs:
        for claim in run.summary.get("references", ()):
            source = claim["source"] + READ.get(str(claim.get("read")), "")
            said = run.summary["experiment"], run.summary["preset"], claim["metric"], claim["value"], claim["unit"]
            found[Published(NO_CARD, *said, source, str(claim.get("protocol") or ""))] = None
    return list(found)


def _figure(published: Published, rows: Sequence[LedgerRow], configs: Mapping[str, dict[str, Any]]) -> Figure:
    """The figure beside the row that tells most: comparable, then longest, then of most seeds."""
    if not rows:
        return Figure(published)
    row = max(rows, key=lambda row: (_is_comparable(published, row), row.steps, row.seeds, row.runs))
    others = tuple(sorted({name for other in rows for name in other.runs} - set(row.runs)))
    comparison = (
        compare(
            published.metric,
            published.value,
            row.mean,
            deviation=row.deviation,
            seeds=len(row.values),
            tested=published.tested,
            published_error=published.standard_error,
        )
        if _is_comparable(published, row)
        else None
    )
    asked = configs[row.runs[0]].get("steps")
    shortened = isinstance(asked, int) and published.steps is not None and asked < published.steps
    return Figure(published, row, comparison, others, asked / published.steps if shortened else None)


def _is_comparable(published: Published, row: LedgerRow) -> bool:
    """Whether the run has a number, in the same unit, and kept to the preset."""
    return row.mean is not None and row.unit == published.unit and not row.settings
