"""Which presets have published figures, what each needs and costs, and which of them a ledger has finished already."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from experiments.errors import WrongInput
from experiments.report.archive import Run
from experiments.report.costs import Rate, seconds
from experiments.report.departures import departures
from experiments.run.registry import Entry

if TYPE_CHECKING:
    from experiments.run.settings import Settings


class Wanted(NamedTuple):
    """A preset with published figures."""

    experiment: str
    preset: str
    data: str = ""
    """the data set that it reads and that does not ship"""
    obstacle: str = ""
    """why no run can be set beside its figures"""

    @property
    def title(self) -> str:
        """For people: "mlp softmax"."""
        return f"{self.experiment} {self.preset}"


class Job(NamedTuple):
    """A preset that is to be run, with its settings and what it is expected to take."""

    wanted: Wanted
    settings: "Settings"
    seconds: float | None


def wanted_presets(entries: Iterable[Entry]) -> list[Wanted]:
    """Each preset that has a published figure, once, in the order of the cards."""
    found: dict[tuple[str, str], Wanted] = {}
    for entry in entries:
        for reference in entry.card.references:
            wanted = Wanted(entry.name, reference.preset, entry.card.data_of(reference), reference.obstacle)
            found.setdefault(wanted[:2], wanted)
    return list(found.values())


def places_of(words: Sequence[str], known: Iterable[str]) -> dict[str, Path]:
    """``NAME=PLACE`` words as the place of each data set; ``WrongInput`` for a place that is not, or no such name."""
    places = {}
    for word in words:
        name, equals, place = word.partition("=")
        if not equals or name not in known:
            raise WrongInput(f"--data-dir {word}: expected NAME=PLACE of {', '.join(sorted(set(known)))}")
        places[name] = Path(place).expanduser()
        if not places[name].exists():
            raise WrongInput(f"--data-dir {word}: there is no such file or folder")
    return places


def lacks(wanted: Wanted, places: Mapping[str, Path]) -> str:
    """Why a preset cannot be run, in a line; "" where it can."""
    if wanted.obstacle:
        return wanted.obstacle
    if wanted.data and wanted.data not in places:
        return f"{wanted.data} is not at hand: --data-dir {wanted.data}=PLACE"
    return ""


def finished_run(job: Job, runs: Sequence[Run]) -> Run | None:
    """A run of the preset, as long and with as many seeds at least, that departs from it in nothing."""
    departed = departures(runs)
    for run in runs:
        if run.problem or (run.summary["experiment"], run.summary["preset"]) != job.wanted[:2]:
            continue
        asked = run.summary["config"].get("steps")
        whole = isinstance(asked, int) and asked >= job.settings.loop.steps
        if whole and len(run.summary["seeds"]) >= job.settings.seeds.seeds and not departed[run.name]:
            return run
    return None


def in_order(
    settings: Mapping[Wanted, "Settings"],
    rates: Mapping[tuple[str, str], Rate],
    estimates: Mapping[tuple[str, str], float],
) -> list[Job]:
    """The jobs, cheapest first; those of unknown cost last."""
    jobs = [
        Job(
            wanted,
            each,
            seconds(*wanted[:2], steps=each.loop.steps, seeds=each.seeds.seeds, rates=rates, estimates=estimates),
        )
        for wanted, each in settings.items()
    ]
    return sorted(jobs, key=lambda job: (job.seconds is None, job.seconds or 0.0, job.wanted))


def fits(job: Job, left: float | None) -> bool:
    """Whether a job ends within the seconds that are left, None for any number; one of unknown cost is taken not to."""
    return left is None or (job.seconds is not None and job.seconds <= left)
