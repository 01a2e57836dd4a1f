"""``lectern sweep``: one run for each combination of the values that settings are given, and a table of all."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.cli.environment import cache_compilations
from experiments.cli.exit_status import DIVERGED, DONE
from experiments.cli.training import finish, preset_settings
from experiments.errors import WrongInput

if TYPE_CHECKING:
    from experiments.run.settings import Settings
    from train.signals import Signals

Choice = tuple[str, Sequence[str]]
"""A flag and the words of one of its values."""


def sweep(given: argparse.Namespace, flags: list[str]) -> int:
    """Trains what is not trained yet; a run that diverges is named in the table, any other end ends the sweep."""
    cache_compilations()
    from experiments.cli.flags import parse_flags
    from experiments.cli.results import print_sweep
    from experiments.run.run_folder import read_summary

    default = preset_settings(given.name, given.preset)
    fixed, swept = split_flags(type(default), flags)
    if not swept:
        raise WrongInput("which values? give a setting several: lectern sweep vae --beta 1 2 4")
    root = given.workdir or Path("runs") / f"sweep-{given.name}-{given.preset}"
    combinations = {root / _folder(choices): choices for choices in product(*swept)}
    settings = {
        folder: parse_flags(default, [*fixed, *_words(choices)], prog=f"lectern sweep {given.name}")
        for folder, choices in combinations.items()
    }
    for folder, each in settings.items():
        refuse_other(folder, given.name, given.preset, each)
    for number, (folder, each) in enumerate(settings.items(), start=1):
        print(f"--- {number} of {len(settings)}: {folder.name}", flush=True)
        if not _is_finished(folder, each) and (status := train_in(folder, given.name, given.preset, each)) not in (
            DONE,
            DIVERGED,
        ):
            say_how_to_go_on(number, len(settings))
            return status
    print_sweep({folder.name: read_summary(folder) for folder in settings})
    print(f"runs  {root}")
    return DONE


def say_how_to_go_on(number: int, count: int) -> None:
    """What is said beside the end of a run that ends all."""
    print(f"lectern: ended in run {number} of {count}: the same command goes on", file=sys.stderr, flush=True)


def split_flags(kind: "type[Settings]", flags: Sequence[str]) -> tuple[list[str], list[list[Choice]]]:
    """The flags with one value, and for each other flag its values. A value of a tuple is written with commas where
    there are several: ``--widths 64 128,64`` are two.
    """
    from experiments.cli.flags import flag
    from experiments.run.settings import flat_fields

    tuples = {flag(field.name) for field in flat_fields(kind) if _is_tuple(field.hint)}
    fixed: list[str] = []
    swept: list[list[Choice]] = []
    for name, words in _groups(flags):
        values = [word.split(",") for word in words]
        if name in tuples and all(len(value) == 1 for value in values):
            values = [words]  # one value of several numbers, as `lectern run` takes it
        if len(values) > 1:
            swept.append([(name, value) for value in values])
        else:
            fixed += [name, *(values[0] if values else [])]
    return fixed, swept


def _groups(flags: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each flag with the words after it."""
    found: list[tuple[str, list[str]]] = []
    for word in flags:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            found.append((name, [value] if equals else []))
        elif found:
            found[-1][1].append(word)
        else:
            raise WrongInput(f"{word!r} belongs to no setting: expected --FIELD VALUE …")
    yield from found


def _is_tuple(hint: Any) -> bool:
    from typing import get_args, get_origin

    return get_origin(hint) is tuple or any(map(_is_tuple, get_args(hint)))


def _folder(choices: Sequence[Choice]) -> str:
    """The folder of a combination: "beta=4,latent=2"."""
    named = (f"{name.removeprefix('--').replace('-', '_')}={'x'.join(value)}" for name, value in choices)
    return ",".join(named).replace("/", "_")


def _words(choices: Sequence[Choice]) -> list[str]:
    return [word for name, value in choices for word in (name, *value)]


def refuse_other(folder: Path, name: str, preset: str, settings: "Settings") -> None:
    """A folder that holds another run is left alone; its data may have been moved."""
    from experiments.run.run_folder import CONFIG, read_config
    from experiments.run.settings import as_json

    if not (folder / CONFIG).exists():
        return
    config, asked = read_config(folder), as_json(settings)
    if (config.experiment, config.preset) != (name, preset):
        raise WrongInput(f"{folder} is a run of {config.experiment} {config.preset}: choose another --workdir")
    other = [field for field in asked if field != "data_dir" and config.settings.get(field) != asked[field]]
    if other:
        said = ", ".join(f"{field} {config.settings.get(field)}, not {asked[field]}" for field in other)
        raise WrongInput(f"{folder} was trained with {said}: choose another --workdir")


def _is_finished(folder: Path, settings: "Settings") -> bool:
    from experiments.run.run_folder import read_summary

    summary = read_summary(folder)
    return summary is not None and summary["config"].get("steps") == settings.loop.steps


def train_in(folder: Path, name: str, preset: str, settings: "Settings") -> int:
    """Starts the run of a folder, or goes on with it; the exit status. One that diverged would do so again."""
    from experiments.run import runner
    from experiments.run.run import prepare
    from experiments.run.run_folder import CONFIG, read_divergence

    if said := read_divergence(folder):
        print(f"diverged before: {said}; `lectern resume {folder}` tries again", flush=True)
        return DIVERGED

    def train(signals: "Signals") -> dict:
        go = runner.resume if (folder / CONFIG).exists() else runner.start
        return go(prepare(name, preset, settings), folder, signals)

    return finish(folder, train)
