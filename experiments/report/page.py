"""The ledger as one self-contained page: no request leaves it, and what it shows is escaped text or a checked PNG.

Equal runs give an equal page. Its address takes ``#sort=COLUMN`` and, for the largest first, ``#sort=-COLUMN``.
"""

import base64
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from experiments.plots.canvas import png
from experiments.plots.curves import learning_curves
from experiments.report.archive import Run, problems, read_metrics
from experiments.report.ledger import COLUMNS, Column, LedgerRow, ledger_rows
from experiments.report.page_assets import SCRIPT, STYLE

CURVES_FILE = "learning_curves.png"  # what a run leaves beside its other figures
FACTS = (
    *("seeds", "epochs", "stopped_early", "wall_seconds", "compile_seconds", "examples_per_second", "parameters"),
    *("flops_per_step", "device", "versions", "commit", "state_sha256"),
)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def html_page(runs: Sequence[Run]) -> str:
    """The whole page: what could not be read, the sortable ledger, and a section for each experiment and run."""
    numbers = {run.name: index for index, run in enumerate(runs)}
    intact = sorted((run for run in runs if not run.problem), key=lambda run: (run.summary["experiment"], run.name))
    grouped = itertools.groupby(intact, key=lambda run: run.summary["experiment"])
    sections = [_experiment_section(name, list(members), numbers) for name, members in grouped]
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
Difference is ours minus published; ± is one sample standard deviation over the seeds. In the curves a line is the mean
over the seeds and its band one standard deviation; thin lines are train, strong ones valid.</p>
{_warnings("Left out", problems(runs))}
{_ledger(ledger_rows(runs), numbers)}
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


def _ledger(rows: Sequence[LedgerRow], numbers: Mapping[str, int]) -> str:
    """The table, its headings buttons."""
    heads = "".join(
        f'<th scope="col" aria-sort="none" data-column="{column.name}"{_class(column)}>'
        f'<button type="button">{column.name}</button></th>'
        for column in COLUMNS
    )
    body = "".join(f"<tr>{''.join(_cell(row, column, numbers) for column in COLUMNS)}</tr>\n" for row in rows)
    return f"""<div class="scroll" role="region" aria-label="Ledger" tabindex="0">
<table id="ledger"><thead><tr>{heads}</tr></thead>
<tbody>
{body}</tbody></table></div>"""


def _class(column: Column) -> str:
    return f' class="number {column.name}"' if column.number else f' class="{column.name}"'


def _cell(row: LedgerRow, column: Column, numbers: Mapping[str, int]) -> str:
    """A cell: the first leads to the run's section; a number brings what it sorts by, nothing for none."""
    text = escape(column.text(row))
    if column is COLUMNS[0]:
        return f'<td><a href="#run-{numbers[row.run]}">{text}</a><small>{escape(row.run)}</small></td>'
    value = column.number(row) if column.number else None
    sortable = f' data-number="{"" if value is None else repr(value)}"' if column.number else ""
    remark = f"<small>{escape(column.remark(row))}</small>" if column.remark(row) else ""
    return f"<td{_class(column)}{sortable}>{text}{remark}</td>"


def _experiment_section(experiment: str, runs: Sequence[Run], numbers: Mapping[str, int]) -> str:
    """The runs of one experiment, after a figure that lays their curves over each other."""
    logs = {run.name: read_metrics(run) for run in runs}
    articles = [_run_article(run, *logs[run.name], number=numbers[run.name]) for run in runs]
    overlay = _overlay(runs, {name: rows for name, (rows, _) in logs.items()})
    return f"<section><h2>{escape(experiment)}</h2>{overlay}{''.join(articles)}</section>\n"


def _overlay(runs: Sequence[Run], logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The curves of the metric that most runs have, where two or more have it."""
    having = Counter(metric for run in runs for metric in _curve_metrics(run, logs[run.name]))
    metric, count = having.most_common(1)[0] if having else ("", 0)
    if count < 2:
        return ""
    chosen = [run for run in runs if metric in _curve_metrics(run, logs[run.name])]
    rows = {run.name: logs[run.name] for run in chosen}
    figure, left_out = _curves(rows, metric, _unit(chosen[0], metric), f"{metric} of {count} runs over the steps")
    return f'<div class="figures">{figure}</div>{_warnings("Left out", left_out)}'


def _run_article(run: Run, rows: Sequence[Mapping[str, Any]], left_out: Sequence[str], *, number: int) -> str:
    """One run: what it was, its curves, its figures, and what could not be shown of them."""
    summary = run.summary
    curves = [
        _curves({run.name: rows}, name, _unit(run, name), f"{name} over the steps")
        for name in _curve_metrics(run, rows)
    ]
    pictures, no_pictures = _pictures(run, drawn_anew=any(figure for figure, _ in curves))
    shown = "".join([figure for figure, _ in curves] + pictures)
    warnings = [*left_out, *itertools.chain.from_iterable(lines for _, lines in curves), *no_pictures]
    size = (_counted(len(summary["seeds"]), "seed"), _counted(summary["steps"], "step"))
    said = (summary["preset"], summary["dataset"]["protocol"], *size)
    return f"""<article id="run-{number}"><h3>{escape(run.name)}</h3>
<p class="muted">{escape(" · ".join(said))}</p>
<details><summary>Configuration</summary>{_facts(summary["config"])}</details>
<details><summary>Provenance</summary>{_facts(_provenance(summary))}</details>
{f'<div class="figures">{shown}</div>' if shown else ""}{_warnings("Left out", warnings)}</article>
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


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _unit(run: Run, metric: str) -> str:
    return run.summary["metrics"].get(metric, {}).get("unit", "")


def _curve_metrics(run: Run, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The loss and the summary's metrics, if logged at two steps or more of train or valid; else the first that was."""
    logged = Counter(name for row in rows if row["split"] in ("train", "valid") for name in row)
    often = [name for name, count in logged.items() if count > 1 and name not in ("step", "split")]
    return [name for name in dict.fromkeys(["loss", *run.summary["metrics"]]) if name in often] or often[:1]


def _curves(runs: Mapping[str, Any], metric: str, unit: str, caption: str) -> tuple[str, list[str]]:
    """The figure of the runs' learning curves, or a line that says why there is none."""
    try:
        return _figure(png(learning_curves(runs, metric, unit=unit)), caption), []
    except (TypeError, ValueError) as error:
        return "", [f"the curve of {metric}: {error}"]


def _pictures(run: Run, *, drawn_anew: bool) -> tuple[list[str], list[str]]:
    """The run's PNG files, without its curves where they are ``drawn_anew``; a line for each file that is none."""
    shown, left_out = [], []
    for path in sorted((run.folder / "figures").glob("*")):
        if drawn_anew and path.name == CURVES_FILE:
            continue
        content = path.read_bytes() if path.is_file() else b""
        if content.startswith(PNG_SIGNATURE):
            shown.append(_figure(content, path.stem.replace("_", " ")))
        else:
            left_out.append(f"figures/{path.name} is no PNG file")
    return shown, left_out


def _figure(png: bytes, caption: str) -> str:
    """A picture that travels inside the page, with its caption."""
    data, text = base64.b64encode(png).decode(), escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
