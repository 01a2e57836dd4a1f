"""The ledger: one row for each number that a finished run claims, beside the published one.

``COLUMNS`` is the one place that says what the ledger shows; the terminal, Markdown and the page all walk through it.
"""

import re
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from experiments.numerals import counted, duration, measured, significant
from experiments.report.archive import Run
from experiments.report.departures import departures, in_words
from experiments.report.pool import Pool, alone, pooled


class LedgerRow(NamedTuple):
    """One number that a run claims, beside the published one where there is one."""

    run: str
    experiment: str
    preset: str
    settings: str
    protocol: str
    steps: int
    epochs: float | None
    seeds: int
    metric: str
    unit: str
    values: tuple[float | None, ...]
    published: float | None
    published_unit: str
    source: str
    wall_seconds: float | None
    device: str
    commit: str | None
    departs_in: tuple[str, ...] = ()
    """settings in which the run departs from the preset that the published number belongs to"""
    read: str = ""
    """how the published number was read: "source", "secondary" or "memory"; "" where the run does not say"""
    further: bool = False
    """whether the run has published numbers, and this is none of them"""
    runs: tuple[str, ...] = ()
    """the runs whose seeds it has"""
    repeated: tuple[int, ...] = ()
    """seeds that more than one of the runs has; of these the newest counts"""
    taken: str = ""
    """how the number was taken, where the metric's name does not say it"""
    first_seed: int = 0
    splits: int = 0
    """how many random splits there is a value for, the mean of its seeds; 0 where there is a value for each seed"""

    @property
    def mean(self) -> float | None:
        """Mean over the values; None if there are none, or one of them is not finite (stored as null)."""
        return statistics.fmean(self.values) if self.values and None not in self.values else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation of the values (n − 1 below the line); None for one or without a mean."""
        return statistics.stdev(self.values) if self.mean is not None and len(self.values) > 1 else None

    @property
    def draws(self) -> str:
        """What the values are of: "3 seeds", or "10 splits"."""
        return counted(len(self.values), "split" if self.splits else "seed")

    @property
    def difference(self) -> float | None:
        """Our mean minus the published value; None where either is missing or they are not comparable."""
        if self.mean is None or self.published is None or self.unit != self.published_unit or self.departs_in:
            return None
        return self.mean - self.published


class Column(NamedTuple):
    """A column of the ledger: its heading, a row's text, for numbers the value that it sorts by, and a remark."""

    name: str
    text: Callable[[LedgerRow], str]
    number: Callable[[LedgerRow], float | None] | None = None
    remark: Callable[[LedgerRow], str] = lambda row: ""
    on_page: bool = True

    def line(self, row: LedgerRow) -> str:
        """Text and remark in one line of printable letters: a terminal would obey others."""
        remark = self.remark(row)
        return one_line(f"{self.text(row)} ({remark})" if remark else self.text(row))


def ledger_rows(runs: Sequence[Run], *, every: bool = False, pool: bool = False) -> list[LedgerRow]:
    """One row per reference of a run, or per metric where a run has no reference; damaged runs have none.

    With ``every``, a run with references has rows for its further metrics too. With ``pool``, runs that differ in the
    seed or in the draw of a random split alone are one.
    """
    settings = departures(runs)
    pools = pooled(runs) if pool else alone(runs)
    return [row for each in pools for row in _rows_of(each, in_words(settings[each.runs[-1].name]), every)]


def one_line(text: str) -> str:
    """Text without line breaks and without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _rows_of(pool: Pool, settings: str, every: bool) -> list[LedgerRow]:
    """The rows of undamaged runs: their references, else their metrics, else a single row that claims nothing."""
    metrics, references = pool.summary["metrics"], pool.summary["references"]
    claims = references or [{"metric": name} for name in metrics] or [{"metric": ""}]
    rows = [_row(pool, settings, claim) for claim in claims]
    claimed = {row.metric for row in rows}
    further = [name for name in metrics if every and name not in claimed]
    return rows + [_row(pool, settings, {"metric": name})._replace(further=True) for name in further]


def _row(pool: Pool, settings: str, claim: dict[str, Any]) -> LedgerRow:
    """The row of one claim: a reference, or only the name of a metric."""
    summary = pool.summary
    metric = summary["metrics"].get(claim["metric"], {"values": [], "unit": claim.get("unit", "")})
    return LedgerRow(
        run=pool.name,
        experiment=summary["experiment"],
        preset=summary["preset"],
        settings=settings,
        protocol=summary["dataset"]["protocol"],
        steps=summary["steps"],
        epochs=_as_float(summary.get("epochs")),
        seeds=len(summary["seeds"]),
        metric=claim["metric"],
        unit=metric["unit"],
        values=tuple(_as_float(value) for value in metric["values"]),
        published=_as_float(claim.get("value")),
        published_unit=claim.get("unit", ""),
        source=claim.get("source", ""),
        wall_seconds=_as_float(summary.get("wall_seconds")),
        device=summary["device"],
        commit=summary.get("commit"),
        departs_in=tuple(map(str, claim.get("departs_in") or ())),
        read=claim.get("read", ""),
        runs=tuple(sorted(run.name for run in pool.runs)),
        repeated=pool.repeated,
        taken=metric.get("protocol") or "",
        first_seed=next(iter(summary["seeds"]), 0),
        splits=pool.splits,
    )


def _as_float(number: int | float | None) -> float | None:
    return None if number is None else float(number)


def ours(row: LedgerRow) -> str:
    """Our number, or in words why there is none."""
    if row.mean is not None:
        return measured(row.mean, row.deviation, row.unit)
    return f"not finite ({row.values.count(None)} of {row.draws})" if row.values else ""


def _published(row: LedgerRow) -> str:
    """The published number, with its unit where that is not ours."""
    if row.published is None:
        return ""
    return f"{row.published:,.10g}" + (f" {row.published_unit}" if row.published_unit != row.unit else "")


def _source(row: LedgerRow) -> str:
    """Where the number was published, and how it was read where that was not at the source."""
    return row.source + {"secondary": "; quoted in another text", "memory": "; from memory"}.get(row.read, "")


def seeds_in_words(row: LedgerRow) -> str:
    """How many seeds, and on how many splits where there are several: "100 on 10 splits"."""
    return f"{row.seeds} on {row.draws}" if row.splits else str(row.seeds)


def _which_seeds(row: LedgerRow) -> str:
    """Where the seeds begin if not at 0; of several runs their number, and which seeds more than one of them has."""
    if len(row.runs) < 2:
        from_seed = "from seed" if row.seeds > 1 else "seed"
        return f"{from_seed} {row.first_seed}" if row.first_seed else ""
    seeds = f"seed {row.repeated[0]}" if len(row.repeated) == 1 else counted(len(row.repeated), "seed")
    twice = f"; {seeds} in more than one, the newest counts" if row.repeated else ""
    return f"of {counted(len(row.runs), 'run')}{twice}"


def with_unit(row: LedgerRow) -> str:
    """The metric's name and its unit."""
    return f"{row.metric} ({row.unit})" if row.unit else row.metric


def _training(row: LedgerRow) -> str:
    return counted(row.steps, "step") if row.epochs is None else counted(row.epochs, "epoch")


def _difference(row: LedgerRow) -> str:
    if row.departs_in:
        return f"not compared: other {', '.join(row.departs_in)}"
    return "" if row.difference is None else significant(row.difference, 3, "+")


def _time(row: LedgerRow) -> str:
    return "" if row.wall_seconds is None else duration(row.wall_seconds)


COLUMNS: Sequence[Column] = (
    Column("system", lambda row: row.experiment),
    Column("preset", lambda row: row.preset),
    Column("settings", lambda row: row.settings),
    Column("run", lambda row: row.run, on_page=False),
    Column("metric", with_unit, remark=lambda row: row.taken),
    Column("ours", ours, lambda row: row.mean),
    Column("published", _published, lambda row: row.published, remark=_source),
    Column("difference", _difference, lambda row: row.difference),
    Column("seeds", seeds_in_words, lambda row: row.seeds, remark=_which_seeds),
    Column("training", _training, lambda row: row.steps if row.epochs is None else row.epochs),
    Column("dataset", lambda row: row.protocol),
    Column("time", _time, lambda row: row.wall_seconds),
    Column("device", lambda row: row.device),
    Column("commit", lambda row: re.sub(r"\b([0-9a-f]{9})[0-9a-f]+", r"\1", row.commit or "")),
)
