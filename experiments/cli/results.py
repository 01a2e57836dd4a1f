"""What is printed of a finished run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.numerals import counted, duration, quantity, significant, with_prefix

if TYPE_CHECKING:
    from experiments.report.published import Figure
    from experiments.run.prediction import Prediction


def print_result(summary: dict) -> None:
    """Metrics beside what was published, and what the run took."""
    seeds = summary["seeds"]
    named = f"seed {seeds[0]}" if len(seeds) == 1 else f"{counted(len(seeds), 'seed')}, {seeds[0]} to {seeds[-1]}"
    print(f"{summary['experiment']}  preset {summary['preset']}  {summary['dataset']['protocol']}  {named}")
    print_metrics(summary["metrics"])
    for reference in summary["references"]:
        figure = f"{reference['metric']} {reference['value']:,.10g} {reference['unit']}".rstrip()
        if reference["departs_in"]:
            compared = f"not compared, as this run departs from the preset in {', '.join(reference['departs_in'])}"
        else:
            compared = "" if reference["difference"] is None else f"ours {significant(reference['difference'], 3, '+')}"
        print(f"  published   {figure} ({reference['source']}); {compared}")
    early = f", stopped early by --patience {summary['config']['patience']}" if summary["stopped_early"] else ""
    steps = f"{counted(summary['steps'], 'step')} ({counted(summary['epochs'], 'epoch')}{early})"
    print(f"  {steps} in {duration(summary['wall_seconds'])}")
    measured_steps = summary.get("measured_steps", [summary["steps"]])
    if set(measured_steps) != {summary["steps"]}:
        print(f"  measured are the parameters that did best, of {steps_in_words(measured_steps)}")
    rate = summary["examples_per_second"]  # None where every step was saved already
    print(f"  {significant(rate, 3)} examples/s  {summary['device']}" if rate else f"  {summary['device']}")
    _print_cost(summary)


def steps_in_words(steps: Sequence[int]) -> str:
    """ "step 300", or "steps 300, 400" of several seeds where these differ."""
    distinct = list(dict.fromkeys(steps))
    listed = ", ".join(f"{step:,}" for step in (distinct if len(distinct) == 1 else steps))
    return f"step{'s' if len(distinct) > 1 else ''} {listed}"


def _print_cost(summary: dict) -> None:
    """Parameters and FLOPs, by formula and by XLA's own count."""
    cost, per_step = summary["cost"], summary["flops_per_step"]
    step = "" if per_step is None else f"  {with_prefix(per_step, 'FLOP')}/step"
    print(f"  {counted(summary['parameters'], 'parameter')}, layers: {len(cost['layers'])}{step}")
    if cost["flops_by_formula"] is not None:
        found = cost["flops_by_xla"]
        by_xla = "" if found is None else f", {found:,.0f} by XLA, activations and loss included"
        print(f"  one example forward: {cost['flops_by_formula']:,} FLOP by formula{by_xla}")


def print_sweep(summaries: Mapping[str, dict | None]) -> None:
    """A row a run and a column a metric: mean ± deviation over the seeds."""
    metrics = list(dict.fromkeys(name for each in summaries.values() if each for name in each["metrics"]))
    rows = [
        (name, *(["diverged"] if summary is None else [_cell(summary["metrics"].get(metric)) for metric in metrics]))
        for name, summary in summaries.items()
    ]
    _print_table(("run", *metrics), rows)


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows below their heads, the first column at the left and all others at the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from experiments.report.report import WIDTH_OF_FILES

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(heads[0], overflow="fold")
    for head in heads[1:]:
        table.add_column(head, justify="right")
    for cells in rows:
        table.add_row(*map(Text, cells))
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_OF_FILES
    console.print(table)


def _cell(metric: dict | None) -> str:
    if metric is None or metric["mean"] is None:
        return "" if metric is None else "not finite"
    return quantity(metric["mean"], metric["std"], metric["unit"])


def print_predictions(predictions: Sequence["Prediction"]) -> None:
    """What is said of each picture."""
    widest = max(len(str(each.file)) for each in predictions)
    for each in predictions:
        print(f"{each.file!s:<{widest}}  {each.text}")


def print_metrics(metrics: dict) -> None:
    """A line a metric, then how those were taken whose names do not say it."""
    taken: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        print(f"  test {name:<6} {_cell(metric)}")
        if metric and metric.get("protocol"):
            taken.setdefault(metric["protocol"], []).append(name)
    for protocol, names in taken.items():
        print(f"  {', '.join(names)}: {protocol}")


def print_figures(found: Sequence["Figure"]) -> None:
    """A row a published figure that was run, and how many of them are met."""
    from experiments.report.ledger import ours, seeds_in_words
    from experiments.report.published import head_line

    rows = [
        (
            f"{each.published.experiment} {each.published.preset}",
            f"{each.published.metric} {each.published.unit}".rstrip(),
            f"{each.published.value:,.10g}",
            ours(each.row),
            seeds_in_words(each.row),
            "" if each.comparison is None else significant(each.row.mean - each.published.value, 3, "+"),
            f"{each.state} ({each.reason})" if each.reason else each.state,
        )
        for each in found
        if each.row is not None
    ]
    if rows:
        _print_table(("system", "metric", "published", "ours", "seeds", "difference", "verdict"), rows)
    print(head_line(found))
