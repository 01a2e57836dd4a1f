"""``lectern replicate``: every preset with a published figure, cheapest first, as far as data and hours go."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from experiments.cli.environment import cache_compilations
from experiments.cli.exit_status import DIVERGED, DONE, WRONG
from experiments.cli.sweeping import refuse_other, say_how_to_go_on, train_in
from experiments.cli.training import preset_settings
from experiments.errors import WrongInput
from experiments.numerals import duration
from experiments.run.registry import entries, entry

if TYPE_CHECKING:
    from experiments.report.archive import Run
    from experiments.report.replication import Job, Wanted
    from experiments.run.registry import Entry
    from experiments.run.settings import Settings

INTO = Path("runs") / "ledger"


class _Plan(NamedTuple):
    """What is to be run, in order, and where; what is not, each with its reason."""

    jobs: "list[Job]"
    left_out: "list[tuple[Wanted, str]]"
    into: Path
    elsewhere: "list[Run]"
    """finished runs of the archive, which count too"""


def replicate(given: argparse.Namespace, _: list[str]) -> int:
    """Runs what can be run and is not finished; a run that fails is named, a signal or a full disk ends all."""
    if given.hours is not None and not given.hours > 0:
        raise WrongInput("--hours: expected a number above 0")
    if given.seeds is not None and given.seeds < 1:
        raise WrongInput("--seeds: expected a number above 0")
    started = time.monotonic()
    asked = [entry(name) for name in given.names] or entries()
    for each in asked:
        if given.names and not each.card.references:
            raise WrongInput(f"{each.name} has no published figure: `lectern list` names those that have")
    cache_compilations()
    plan = _planned(given, asked)
    for wanted, reason in plan.left_out:
        print(f"skipped   {wanted.title}: {reason}")
    print(f"to run    {', '.join(job.wanted.title for job in plan.jobs) or 'nothing'}", flush=True)
    status = _run_all(plan, started, None if given.hours is None else 3600 * given.hours)
    _print_figures(plan, asked)
    return status


def _planned(given: argparse.Namespace, asked: "Sequence[Entry]") -> _Plan:
    from experiments.report import costs
    from experiments.report.archive import find_runs
    from experiments.report.replication import finished_run, in_order, lacks, places_of, wanted_presets

    everything = wanted_presets(asked)
    places = places_of(given.data_dir, {each.data for each in wanted_presets(entries())} - {""})
    into = given.into or INTO
    own, archive = find_runs(into), find_runs(costs.LEDGER)
    elsewhere = [] if given.into else archive
    settings = {wanted: _settings(wanted, given.seeds, places.get(wanted.data)) for wanted in everything}
    rates = costs.recorded_rates(archive) | costs.recorded_rates(own)
    jobs, left_out = [], []
    for job in in_order(settings, rates, costs.estimated_seconds()):
        if run := finished_run(job, [*own, *elsewhere]):
            left_out.append((job.wanted, f"finished in {run.folder}"))
        elif reason := lacks(job.wanted, places):
            left_out.append((job.wanted, reason))
        else:
            refuse_other(_folder(into, job.wanted), *job.wanted[:2], job.settings)
            jobs.append(job)
    return _Plan(jobs, left_out, into, elsewhere)


def _settings(wanted: "Wanted", seeds: int | None, place: Path | None) -> "Settings":
    """The preset's own, with three seeds at least where no number was asked for, and its data where they are."""
    from experiments.cli.flags import replace
    from experiments.report.verdict import LEAST_SEEDS

    preset = preset_settings(wanted.experiment, wanted.preset)
    count = seeds or max(LEAST_SEEDS, preset.seeds.seeds)
    return replace(preset, seeds=count, **({} if place is None else {"data_dir": place}))


def _folder(into: Path, wanted: "Wanted") -> Path:
    return into / f"{wanted.experiment}-{wanted.preset}"


def _run_all(plan: _Plan, started: float, budget: float | None) -> int:
    """Trains one job after the other; the status of the one that ended all, of one that failed, or 0."""
    import jax

    from experiments.report.replication import fits

    ended = DONE
    for number, job in enumerate(plan.jobs, start=1):
        left = None if budget is None else budget - (time.monotonic() - started)
        cost = "time unknown" if job.seconds is None else f"about {duration(job.seconds)}"
        if not fits(job, left):
            print(f"too long  {job.wanted.title}: {cost}, and {duration(max(left, 0.0))} are left")
            continue
        print(f"--- {number} of {len(plan.jobs)}: {job.wanted.title}, {cost}", flush=True)
        status = train_in(_folder(plan.into, job.wanted), *job.wanted[:2], job.settings)
        if status not in (DONE, DIVERGED, WRONG):
            say_how_to_go_on(number, len(plan.jobs))
            return status
        if status != DONE:
            print(f"failed    {job.wanted.title}: exit status {status}", flush=True)
            ended = status
        jax.clear_caches()
    return ended


def _print_figures(plan: _Plan, asked: "Sequence[Entry]") -> None:
    from experiments.cli.results import print_figures
    from experiments.report.archive import find_runs
    from experiments.report.costs import estimated_seconds
    from experiments.report.published import NO_CARD, figures

    found = figures(asked, [*find_runs(plan.into), *plan.elsewhere], estimated_seconds())
    print_figures([figure for figure in found if figure.published.family != NO_CARD])
    print(f"runs  {plan.into}; as a page: lectern report {plan.into} --page ledger.html")
