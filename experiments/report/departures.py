"""In what a run departs from its preset: the settings that tell it apart from others of the same experiment."""

import functools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from experiments.report.archive import Run
from experiments.run.inconsequential import INCONSEQUENTIAL
from experiments.run.registry import UnknownExperiment, entry

LONGEST_VALUE = 40  # letters


def departures(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """For each undamaged run, by its name, the settings that differ from its preset and may change a metric.

    A summary says so itself. An older one does not: it is compared with what the card's preset names and with the
    other runs of the same experiment and preset, and its references say what else departs.
    """
    intact = [run for run in runs if not run.problem]
    varied = _varied(intact)
    found = {}
    for run in intact:
        said = run.summary.get("departs")
        found[run.name] = (said if isinstance(said, dict) else _compared(run, varied[_preset(run)])) | _origin(run)
    return found


def in_words(settings: Mapping[str, Any]) -> str:
    """Settings in one line: ``beta 4, widths 64 128``."""
    return ", ".join(f"{name} {_cut(_value(value))}" for name, value in settings.items())


def _varied(runs: Sequence[Run]) -> dict[tuple[str, str], set[str]]:
    """By experiment and preset, the settings that have more than one value in the runs that have them at all."""
    first, varied = defaultdict(dict), defaultdict(set)
    for run in runs:
        values = first[_preset(run)]
        varied[_preset(run)] |= {
            name for name, value in run.summary["config"].items() if values.setdefault(name, value) != value
        }
    return varied


def _compared(run: Run, varied: set[str]) -> dict[str, Any]:
    """The settings of an older summary in which it departs, as far as can be told."""
    config, named = run.summary["config"], _named(*_preset(run))
    departing = {name for name in named.keys() & config.keys() if config[name] != named[name]}
    departing |= {str(name) for claim in run.summary["references"] for name in claim.get("departs_in") or ()}
    return {name: config[name] for name in config if name in (departing | varied) - INCONSEQUENTIAL}


def _origin(run: Run) -> dict[str, str]:
    """The run or file whose parameters this one started from, and what of them was frozen."""
    match run.summary.get("from"):
        case {"workdir": str(workdir), "step": int() | None as step, **more}:
            place, frozen = PurePath(workdir).name, more.get("frozen")
            origin = {"from": place if step is None else f"{place} at step {step}"}
            return origin | ({"frozen": frozen} if frozen else {})
    return {}


def _preset(run: Run) -> tuple[str, str]:
    return run.summary["experiment"], run.summary["preset"]


@functools.cache
def _named(experiment: str, preset: str) -> dict[str, Any]:
    """What the preset names, as JSON has it; nothing for one that is no more."""
    try:
        fields = entry(experiment).card.all_presets.get(preset, {})
    except UnknownExperiment:
        return {}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def _value(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | []:
            return "none"
        case float():
            return f"{value:.10g}"
        case list():
            return " ".join(map(_value, value))
        case dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
