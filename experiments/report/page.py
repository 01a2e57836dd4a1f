"""The ledger as one self-contained page: no request leaves it, and what it shows is escaped text or a checked PNG.

Pictures of many runs would make it too large; they are links.

Equal runs give an equal page. Its address takes ``#sort=COLUMN`` and, for the largest first, ``#sort=-COLUMN``.
"""

import base64
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from experiments.numerals import counted
from experiments.report.archive import Run, problems, read_metrics
from experiments.report.costs import estimated_seconds
from experiments.report.curves import LOOKS, Curve, curves_of, curves_svg, look
from experiments.report.departures import departures, in_words
from experiments.report.figures_page import figures_section
from experiments.report.ledger import COLUMNS, Column, LedgerRow, ledger_rows, ours, with_unit
from experiments.report.page_assets import SCRIPT, STYLE
from experiments.report.pictures import Links, pictures
from experiments.report.published import figures
from experiments.run.registry import Entry

EMBEDDED_RUNS = 24  # of more runs the pictures are links
FACTS = (
    *("seeds", "epochs", "stopped_early", "wall_seconds", "compile_seconds", "examples_per_second", "parameters"),
    *("flops_per_step", "device", "versions", "commit", "state_sha256"),
)
PAGE_COLUMNS = [column for column in COLUMNS if column.on_page]


class _Logged(NamedTuple):
    """A run with its number on the page, the settings that tell it apart, its curves by metric, and what they lack."""

    run: Run
    number: int
    settings: str
    curves: dict[str, list[Curve]]
    left_out: list[str]


def html_page(
    runs: Sequence[Run],
    *,
    file: Path | None = None,
    folder: Path | None = None,
    pool: bool = False,
    cards: Iterable[Entry] | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> str:
    """The whole page: what could not be read, published figures, the sortable ledger, a section for each experiment.

    Published are the figures of ``cards``, also those that were not run, and those that runs claim; without ``cards``
    there is no table of them. Where the page will be ``file`` and there are many runs, their pictures are links to what
    lies below ``folder``. ``told`` hears how many runs are done.
    """
    numbers = {run.name: index for index, run in enumerate(runs)}
    intact = sorted((run for run in runs if not run.problem), key=lambda run: (run.summary["experiment"], run.name))
    links = Links(file, folder) if file and folder and len(intact) > EMBEDDED_RUNS else None
    settings, sections, done = departures(runs), [], itertools.count(1)
    for experiment, members in itertools.groupby(intact, key=lambda run: run.summary["experiment"]):
        logged = []
        for run in members:
            logged.append(_read(run, numbers[run.name], in_words(settings[run.name])))
            told(next(done))
        sections.append(_experiment_section(experiment, logged, links))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lectern ledger</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<h1>lectern ledger</h1>
<p class="muted">What each run measured, beside the number that its paper published.
Difference is ours minus published; ± is one sample standard deviation over the seeds, or over the
means of several random splits. In the curves a line is the mean
over the seeds and its band one standard deviation; thin lines are train, strong ones valid.{_linked_note(links)}</p>
{_warnings("Left out", problems(runs))}
{"" if cards is None else figures_section(figures(cards, runs, estimated_seconds()), numbers)}
{_ledger(ledger_rows(runs, every=True, pool=pool), numbers)}
{"".join(sections)}
<script>{SCRIPT}</script>
</body>
</html>
"""


def _policy() -> str:
    """Nothing may load but embedded images, our one style sheet and our one script, each known by its digest."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT))
    allowed = f"img-src data:; style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _warnings(heading: str, lines: Sequence[str]) -> str:
    """A coloured box with a line for each warning, or nothing."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<aside class="warnings"><strong>{heading}</strong><ul>{items}</ul></aside>' if lines else ""


def _linked_note(links: Links | None) -> str:
    """Why there are no pictures, and how to see them."""
    if links is None:
        return ""
    return (
        f" Pictures of more than {EMBEDDED_RUNS} runs are linked, not embedded: the links work while this page and the"
        " runs lie as they do. For a page that holds its pictures report on a folder of fewer runs."
    )


def _ledger(rows: Sequence[LedgerRow], numbers: Mapping[str, int]) -> str:
    """The table, its headings buttons; further metrics of a run are folded into its first row."""
    heads = "".join(
        f'<th scope="col" aria-sort="none" data-column="{column.name}"{_class(column)}>'
        f'<button type="button">{column.name}</button></th>'
        for column in PAGE_COLUMNS
    )
    body = "".join(
        _table_row(row, further if index == 0 else [], numbers)
        for claimed, further in _by_run(rows)
        for index, row in enumerate(claimed)
    )
    return f"""<div class="scroll" role="region" aria-label="Ledger" tabindex="0">
<table id="ledger"><thead><tr>{heads}</tr></thead>
<tbody>
{body}</tbody></table></div>"""


def _by_run(rows: Iterable[LedgerRow]) -> Iterable[tuple[list[LedgerRow], list[LedgerRow]]]:
    """For each run, or pool of runs, its rows and those of its further metrics."""
    for _, of_run in itertools.groupby(rows, key=lambda row: row.runs):
        each = list(of_run)
        yield [row for row in each if not row.further], [row for row in each if row.further]


def _class(column: Column) -> str:
    return f' class="number {column.name}"' if column.number else f' class="{column.name}"'


def _table_row(row: LedgerRow, further: Sequence[LedgerRow], numbers: Mapping[str, int]) -> str:
    """A row: its first cell leads to the run's section; a number brings what it sorts by, nothing for none."""
    system = f'<a href="#run-{numbers[row.runs[0]]}">{escape(row.experiment)}</a><small>{escape(row.run)}</small>'
    cells = [f"<td{_class(PAGE_COLUMNS[0])}>{system}</td>"]
    for column in PAGE_COLUMNS[1:]:
        value = column.number(row) if column.number else None
        sortable = f' data-number="{"" if value is None else repr(value)}"' if column.number else ""
        remark = _small(column.remark(row))
        folded = _folded(further) if column.name == "metric" else ""
        cells.append(f"<td{_class(column)}{sortable}>{escape(column.text(row))}{remark}{folded}</td>")
    return f"<tr>{''.join(cells)}</tr>\n"


def _small(remark: str) -> str:
    """A remark in small letters, or nothing."""
    return f"<small>{escape(remark)}</small>" if remark else ""


def _folded(rows: Sequence[LedgerRow]) -> str:
    """Metrics and their values, to be unfolded; nothing for none."""
    items = "".join(f"<dt>{escape(with_unit(row))}</dt><dd>{escape(ours(row))}{_small(row.taken)}</dd>" for row in rows)
    return f"<details><summary>{len(rows)} more</summary><dl>{items}</dl></details>" if rows else ""


def _read(run: Run, number: int, settings: str) -> _Logged:
    """The run with its log read, once, and made into curves; a line for each metric that cannot be drawn."""
    rows, damaged = read_metrics(run)
    curves, left_out = {}, list(damaged)
    for metric in _curve_metrics(run, rows):
        try:
            curves[metric] = curves_of(rows, metric)
        except (TypeError, ValueError) as error:
            left_out.append(f"the curve of {metric}: {error}")
    return _Logged(run, number, settings, curves, left_out)


def _experiment_section(experiment: str, logged: Sequence[_Logged], links: Links | None) -> str:
    """The runs of one experiment, after a figure that lays their curves over each other."""
    articles = "".join(_run_article(each, links) for each in logged)
    return f"<section><h2>{escape(experiment)}</h2>{_overlay(logged)}{articles}</section>\n"


def _overlay(logged: Sequence[_Logged]) -> str:
    """The curves of the metric that most runs have, where two or more have it."""
    having = Counter(metric for each in logged for metric in each.curves)
    metric, count = having.most_common(1)[0] if having else ("", 0)
    if count < 2:
        return ""
    named = {" · ".join(filter(None, (each.run.name, each.settings))): each for each in logged if metric in each.curves}
    unit = _unit(next(iter(named.values())).run, metric)
    svg = curves_svg({name: each.curves[metric] for name, each in named.items()}, metric, unit)
    figure = _drawing(svg, f"{metric} of {count} runs over the steps", _legend(list(named)))
    return f'<div class="figures">{figure}</div>'


def _legend(names: Sequence[str]) -> str:
    """A line and a name for each run; of more than can be told apart, how to learn a line's name."""
    if len(names) > LOOKS:
        return "<small>Colours repeat: point at a line for the name of its run.</small>"
    items = "".join(
        f'<li><svg viewBox="0 0 24 8" aria-hidden="true"><path class="line {look(index, strong=True)}" d="M0,4h24"/>'
        f"</svg>{escape(name)}</li>"
        for index, name in enumerate(names)
    )
    return f'<ul class="legend">{items}</ul>'


def _run_article(logged: _Logged, links: Links | None) -> str:
    """One run: what it was, its curves, its figures, and what could not be shown of them."""
    run, summary = logged.run, logged.run.summary
    drawings = [
        _drawing(curves_svg({run.name: curves}, name, _unit(run, name)), f"{name} over the steps")
        for name, curves in logged.curves.items()
    ]
    shown, no_pictures = pictures(run, links, drawn_anew=bool(drawings))
    figures = f'<div class="figures">{"".join(drawings + shown)}</div>' if drawings or shown else ""
    warnings = _warnings("Left out", [*logged.left_out, *no_pictures])
    size = (counted(len(summary["seeds"]), "seed"), counted(summary["steps"], "step"))
    said = filter(None, (summary["preset"], logged.settings, summary["dataset"]["protocol"], *size))
    return f"""<article id="run-{logged.number}"><h3>{escape(run.name)}</h3>
<p class="muted">{escape(" · ".join(said))}</p>
<details><summary>Configuration</summary>{_facts(summary["config"])}</details>
<details><summary>Provenance</summary>{_facts(_provenance(summary))}</details>
{figures}{warnings}</article>
"""


def _provenance(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader needs to make the run again or to doubt it; the published numbers with their protocols."""
    facts = {name.replace("_", " "): summary.get(name) for name in FACTS}
    facts["dataset fingerprint"] = summary["dataset"].get("fingerprint")
    for reference in summary["references"]:
        value = f"{reference['value']:,.10g} {reference['unit']}, {reference['source']}"
        facts[f"published {reference['metric']}"] = f"{value}; {reference.get('protocol') or 'no protocol given'}"
    return {name: value for name, value in facts.items() if value is not None}


def _facts(facts: Mapping[str, Any]) -> str:
    """Names and values as a list of definitions."""
    items = (f"<dt>{escape(name)}</dt><dd>{escape(_show(value))}</dd>" for name, value in facts.items())
    return f"<dl>{''.join(items)}</dl>"


def _show(value: Any) -> str:
    """Text as it is, numbers with commas, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    return json.dumps(value, ensure_ascii=False)


def _unit(run: Run, metric: str) -> str:
    return run.summary["metrics"].get(metric, {}).get("unit", "")


def _curve_metrics(run: Run, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The loss and the summary's metrics, if logged at two steps or more of train or valid; else the first that was."""
    logged = Counter(name for row in rows if row["split"] in ("train", "valid") for name in row)
    often = [name for name, count in logged.items() if count > 1 and name not in ("step", "split")]
    return [name for name in dict.fromkeys(["loss", *run.summary["metrics"]]) if name in often] or often[:1]


def _drawing(svg: str, caption: str, below: str = "") -> str:
    """A drawing with its caption."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption>{below}</figure>"
