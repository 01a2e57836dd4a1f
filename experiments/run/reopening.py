"""What a run folder holds, checked against what is asked of it: config, checkpoint, parameters."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from experiments.run import run_folder
from experiments.run.provenance import differing_numerics
from experiments.run.registry import load, nearest
from experiments.run.run import Run
from experiments.run.run_folder import Config, RunFolderError
from experiments.run.settings import Settings, as_json, from_json, of_evaluation
from train.checkpoint import CheckpointError, Checkpoints, Restored
from train.loop import to_evaluate
from train.processes import say
from train.trainable import Params

FREE_TO_EVALUATE = {"data_dir", "devices", "shard", "evaluation_batch"}
"""What may change when a run is evaluated, besides what only the evaluation reads."""
FREE_TO_CHANGE = FREE_TO_EVALUATE | {"steps"}
"""What may change when a run is resumed, besides what only the evaluation reads."""


def reopen(workdir: Path) -> tuple[Config, Settings]:
    """The config of an existing run; ``RunFolderError`` where the folder holds none, or one of another version."""
    config = run_folder.read_config(workdir)
    experiment = load(config.experiment)
    if config.preset not in experiment.card.all_presets:
        _check_former_preset(workdir, config, list(experiment.card.all_presets))
    try:
        return config, from_json(experiment.settings, config.settings)
    except (ValueError, TypeError) as error:
        raise RunFolderError(f"{workdir}: {error}") from error


def _check_former_preset(workdir: Path, config: Config, presets: list[str]) -> None:
    """A run of a preset that has another name now goes on; ``RunFolderError`` where no checkpoint is of that preset."""
    with suppress(CheckpointError), Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        if (checkpoints.notes() or {}).get("preset") == config.preset:
            say(f"{config.experiment} has no preset {config.preset!r} any more: compared with no published figure")
            return
    unknown = f"{workdir / run_folder.CONFIG}: {config.experiment} has no preset {config.preset!r}"
    raise RunFolderError(f"{unknown}; {nearest(config.preset, presets)}")


def refuse_changes(workdir: Path, saved: dict, settings: Settings, *, free: set[str] = FREE_TO_CHANGE) -> None:
    """A run goes on with its own settings; what changes no bit of its training may change.

    The cosine schedule is a function of the number of steps, so with it that may not change either.
    """
    current = as_json(settings)
    differing = [
        f"{name} ({saved.get(name)} → {current.get(name)})"
        for name in sorted(saved.keys() | current.keys())
        if saved.get(name) != current.get(name) and name not in free_to_change(settings, free)
    ]
    if differing:
        advice = "resume it unchanged, or start a new run with `lectern run`"
        raise RunFolderError(f"{workdir} was trained with another config: {', '.join(differing)}; {advice}")


def free_to_change(settings: Settings, free: set[str] = FREE_TO_CHANGE) -> set[str]:
    """The settings that may change of a run that was begun with ``settings``."""
    fixed = {"steps"} if as_json(settings).get("schedule") == "cosine" else set()
    return (free - fixed) | of_evaluation(type(settings))


def changes_of_evaluation(saved: dict, run: Run) -> list[str]:
    """A line for each setting that only the evaluation reads and that is other than it was."""
    current = as_json(run.settings)
    names = sorted(of_evaluation(type(run.settings)))
    changed = [name for name in names if current[name] != saved.get(name)]
    return [f"evaluated with {name} {current[name]}, not {saved.get(name)}" for name in changed]


def restore(run: Run, workdir: Path, checkpoints: Checkpoints, step: int | None = None) -> Restored:
    """A checkpoint of this run's config and data; says which newer ones are damaged."""
    if notes := checkpoints.notes():
        refuse_changes(workdir, notes["config"], run.settings)
        if notes["fingerprint"] != run.dataset.fingerprint:
            other = f"{workdir} was trained on other data than {run.dataset.name} ({run.dataset.protocol})"
            raise RunFolderError(f"{other}: its fingerprint was {notes['fingerprint']}")
    restored = checkpoints.restore(run.structure(), step)
    for damaged, reason in restored.damaged.items():
        print(f"checkpoint {damaged} is damaged and was passed over: {reason}", file=sys.stderr)
    return restored


class SavedParams(NamedTuple):
    """Parameters as they are evaluated, read from a checkpoint."""

    step: int
    """of the checkpoint"""
    measured_steps: list[int]
    """after which each seed had these parameters: with --patience those that did best"""
    params: Params
    """with a leading axis of seeds"""


def restored_params(run: Run, workdir: Path, step: int | None = None) -> SavedParams:
    """The parameters that a saved step (by default the newest) is evaluated with; writes nothing. ``CheckpointError``
    where there is none, ``RunFolderError`` where it is another run's.
    """
    with Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        restored = restore(run, workdir, checkpoints, step)
    say(*filter(None, [differing_numerics(restored.notes) and f"trained {differing_numerics(restored.notes)}"]))
    params, steps = to_evaluate(*restored.tree)
    return SavedParams(restored.step, steps, params)
