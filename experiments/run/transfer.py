"""A run that starts from the parameters of another: what is taken, what is new, and what differs."""

from collections.abc import Sequence
from pathlib import Path

import jax

from experiments.errors import WrongInput
from experiments.run.freezing import frozen_parts
from experiments.run.run import Run
from experiments.run.run_folder import Origin
from experiments.run.saved_run import SavedRun
from experiments.run.settings import as_json
from train.task import Task, seed_keys
from train.trainable import trainable_part
from train.transforms import by_path

UNIMPORTANT = {"chunk", "data_dir", "devices", "evaluate_every", "evaluation_batch", "feed", "save_every", "shard"}
"""Settings whose difference is not worth a word."""


def transferred(run: Run, freeze: Sequence[str] = ()) -> tuple[Run, list[str]]:
    """``run`` with the parameters of its origin's first seed, where it has one, and lines that say what was taken.

    A parameter is taken where the path and the shape are the same; the others are drawn, as a head for other classes.
    What ``freeze`` names keeps the values that are taken. ``WrongInput`` where nothing fits, or nothing would be
    trained.
    """
    if run.origin is None:
        if freeze:
            raise WrongInput("--freeze keeps what is taken from another run: add --from WORKDIR")
        return run, []
    source = SavedRun(Path(run.origin.workdir))
    other, given = source.run, by_path(source.params(step=run.origin.step))
    params = jax.eval_shape(lambda keys: run.task().init(keys[0]).params, seed_keys([0]))
    wanted = by_path(params)
    taken = {path: given[path] for path, leaf in wanted.items() if path in given and given[path].shape == leaf.shape}
    if not taken:
        raise WrongInput(f"no parameter of {run.origin.workdir}, a run of {other.name}, fits one of {run.name}")
    lines = [f"starts from step {run.origin.step:,} of {run.origin.workdir}: {len(taken)} of {len(wanted)} parameters"]
    if new := sorted(wanted.keys() - taken.keys()):
        lines.append(f"drawn anew: {', '.join(new)}")
    if left := sorted(given.keys() - taken.keys()):
        lines.append(f"not taken: {', '.join(left)}")
    ours, theirs = as_json(run.settings), as_json(other.settings)
    if other.name == run.name and (names := [n for n in ours if ours[n] != theirs[n] and n not in UNIMPORTANT]):
        lines.append(f"differs in {', '.join(f'{name} ({theirs[name]} → {ours[name]})' for name in names)}")
    run = run._replace(initial=taken)
    if freeze:
        run = run._replace(origin=run.origin._replace(frozen=frozen_parts(run, freeze, params, taken)))
    return run, lines + _of_frozen(run)


def _of_frozen(run: Run) -> list[str]:
    """A line that says what is frozen; ``WrongInput`` where that is all, or what cannot be."""
    if not run.origin.frozen:
        return []
    whole = _size(run._replace(origin=None).task())
    try:
        trained = _size(run.task())
    except ValueError as error:
        raise WrongInput(f"--freeze {' '.join(run.origin.frozen)}: {error}") from error
    return [f"frozen: {', '.join(run.origin.frozen)}; trains {trained:,} of {whole:,} numbers"]


def _size(task: Task) -> int:
    """How many numbers descend; nothing is computed."""
    descending = jax.eval_shape(lambda keys: trainable_part(task.init(keys[0]).params, task.trainable), seed_keys([0]))
    return sum(leaf.size for leaf in jax.tree.leaves(descending))


def newest_step(workdir: Path) -> Origin:
    """A run folder as the origin of another run, with the parameters of its newest step."""
    step, _ = SavedRun(workdir).at()
    return Origin(str(workdir.absolute()), step)
