"""A run that starts from the parameters of another, or of a file: what is taken, and what is new."""

from collections.abc import Sequence

import jax
import numpy as np

from experiments.errors import WrongInput
from experiments.numerals import counted
from experiments.run.freezing import frozen_parts, in_brief
from experiments.run.run import Run
from train.task import Task, seed_keys
from train.trainable import trainable_part
from train.transforms import by_path


def transferred(run: Run, freeze: Sequence[str] = ()) -> tuple[Run, list[str]]:
    """``run`` with the parameters of its origin, where it has one, and lines that say what was taken.

    A parameter is taken where the path and the shape are the same; the others are drawn, as a head for other classes.
    What ``freeze`` names keeps the values that are taken. ``WrongInput`` where nothing fits, or nothing would be
    trained.
    """
    if run.origin is None:
        if freeze:
            raise WrongInput("--freeze keeps what is taken from elsewhere: add --from WORKDIR or --from FILE")
        return run, []
    from experiments.run.origins import source_of  # the networks that others publish are of no use to other runs

    params = jax.eval_shape(lambda keys: run.task().init(keys[0]).params, seed_keys([0]))
    wanted = by_path(params)
    source = source_of(run, run.origin, wanted)
    taken = {
        path: np.asarray(source.given[path], leaf.dtype)
        for path, leaf in wanted.items()
        if path in source.given and source.given[path].shape == leaf.shape
    }
    if not taken:
        raise WrongInput(f"no parameter of {source.words} fits one of {run.name}")
    lines = [f"starts from {source.words}: {len(taken)} of {counted(len(wanted), 'parameter')}"]
    if new := wanted.keys() - taken.keys():
        lines.append(f"drawn anew: {', '.join(in_brief(new, wanted))}")
    if left := source.given.keys() - taken.keys():
        lines.append(f"not taken: {', '.join(in_brief(left, source.given))}")
    run = run._replace(initial=taken)
    if freeze:
        run = run._replace(origin=run.origin._replace(frozen=frozen_parts(run, freeze, params, taken)))
    return run, lines + source.remarks + _of_frozen(run, freeze or run.origin.frozen)


def _of_frozen(run: Run, words: Sequence[str]) -> list[str]:
    """A line that says what is frozen; ``WrongInput``, with the ``words`` for it, where it cannot be."""
    if not run.origin.frozen:
        return []
    whole = _size(run._replace(origin=None).task())
    try:
        trained = _size(run.task())
    except ValueError as error:
        raise WrongInput(f"--freeze {' '.join(words)}: {error}") from error
    return [f"frozen: {', '.join(run.origin.frozen)}; trains {trained:,} of {whole:,} numbers"]


def _size(task: Task) -> int:
    """How many numbers descend; nothing is computed."""
    descending = jax.eval_shape(lambda keys: trainable_part(task.init(keys[0]).params, task.trainable), seed_keys([0]))
    return sum(leaf.size for leaf in jax.tree.leaves(descending))
