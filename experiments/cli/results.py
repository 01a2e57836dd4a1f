"""What is printed of a finished run."""

from experiments.report.ledger import duration, measured


def print_result(summary: dict) -> None:
    """Metrics beside what was published, and what the run took."""
    seeds = summary["seeds"]
    named = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}"
    print(f"{summary['experiment']}  preset {summary['preset']}  {summary['dataset']['protocol']}  {named}")
    print_metrics(summary["metrics"])
    for reference in summary["references"]:
        figure = f"{reference['metric']} {reference['value']} {reference['unit']}"
        if reference["departs_in"]:
            compared = f"not compared, as this run departs from the preset in {', '.join(reference['departs_in'])}"
        else:
            compared = "" if reference["difference"] is None else f"ours {reference['difference']:+.2f}"
        print(f"  published   {figure} ({reference['source']}); {compared}")
    early = f", stopped early by --patience {summary['config']['patience']}" if summary["stopped_early"] else ""
    print(
        f"  {summary['steps']:,} steps ({summary['epochs']:,.1f} epochs{early}) in {duration(summary['wall_seconds'])}"
    )
    rate = summary["examples_per_second"]  # None where every step was saved already
    print(f"  {rate:,} examples/s  {summary['device']}" if rate else f"  {summary['device']}")
    _print_cost(summary)


def _print_cost(summary: dict) -> None:
    """Parameters and FLOPs, by formula and by XLA's own count."""
    cost, per_step = summary["cost"], summary["flops_per_step"]
    step = "" if per_step is None else f"  {per_step / 1e6:,.3g} MFLOP/step"
    print(f"  {summary['parameters']:,} parameters, layers: {len(cost['layers'])}{step}")
    if cost["flops_by_formula"] is not None:
        counted = cost["flops_by_xla"]
        by_xla = "" if counted is None else f", {counted:,.0f} by XLA, activations and loss included"
        print(f"  one example forward: {cost['flops_by_formula']:,} FLOP by formula{by_xla}")


def print_metrics(metrics: dict) -> None:
    """A line a metric."""
    for name, metric in metrics.items():
        value = "not finite" if metric["mean"] is None else measured(metric["mean"], metric["std"])
        print(f"  test {name:<6} {value} {metric['unit']}")
