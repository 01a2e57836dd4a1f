"""A run that starts from the parameters of another: what is taken, what is new, and what differs."""

from pathlib import Path

import jax

from experiments.errors import WrongInput
from experiments.numerals import counted
from experiments.run.run import Run
from experiments.run.run_folder import Origin
from experiments.run.saved_run import SavedRun
from experiments.run.settings import as_json
from train.task import seed_keys
from train.transforms import by_path

UNIMPORTANT = {"chunk", "data_dir", "devices", "evaluate_every", "evaluation_batch", "feed", "save_every", "shard"}
"""Settings whose difference is not worth a word."""


def transferred(run: Run) -> tuple[Run, list[str]]:
    """``run`` with the parameters of its origin's first seed, where it has one, and lines that say what was taken.

    A parameter is taken where the path and the shape are the same; the others are drawn, as a head for other classes.
    ``WrongInput`` where none is.
    """
    if run.origin is None:
        return run, []
    source = SavedRun(Path(run.origin.workdir))
    other, given = source.run, by_path(source.params(step=run.origin.step))
    wanted = by_path(jax.eval_shape(lambda keys: run.task().init(keys[0]).params, seed_keys([0])))
    taken = {path: given[path] for path, leaf in wanted.items() if path in given and given[path].shape == leaf.shape}
    if not taken:
        raise WrongInput(f"no parameter of {run.origin.workdir}, a run of {other.name}, fits one of {run.name}")
    share = f"{len(taken)} of {counted(len(wanted), 'parameter')}"
    lines = [f"starts from step {run.origin.step:,} of {run.origin.workdir}: {share}"]
    if new := sorted(wanted.keys() - taken.keys()):
        lines.append(f"drawn anew: {', '.join(new)}")
    if left := sorted(given.keys() - taken.keys()):
        lines.append(f"not taken: {', '.join(left)}")
    ours, theirs = as_json(run.settings), as_json(other.settings)
    if other.name == run.name and (names := [n for n in ours if ours[n] != theirs[n] and n not in UNIMPORTANT]):
        lines.append(f"differs in {', '.join(f'{name} ({theirs[name]} → {ours[name]})' for name in names)}")
    return run._replace(initial=taken), lines


def newest_step(workdir: Path) -> Origin:
    """A run folder as the origin of another run, with the parameters of its newest step."""
    step, _ = SavedRun(workdir).at()
    return Origin(str(workdir.absolute()), step)
