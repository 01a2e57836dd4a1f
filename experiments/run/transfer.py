"""A run that starts from the parameters of another, or of a file: what is taken, what is new, and what differs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from experiments.errors import WrongInput
from experiments.numerals import counted
from experiments.run.freezing import frozen_parts, in_brief
from experiments.run.run import Run
from experiments.run.run_folder import Origin
from experiments.run.saved_run import SavedRun
from experiments.run.settings import as_json
from experiments.run.weights import digest, read_weights
from models.convnets.torchvision import from_torchvision
from models.darknet_weights import read_yolo
from models.yolo import YOLOv3
from train.task import Task, seed_keys
from train.trainable import trainable_part
from train.transforms import by_path

UNIMPORTANT = {"chunk", "data_dir", "devices", "evaluate_every", "evaluation_batch", "feed", "save_every", "shard"}
"""Settings whose difference is not worth a word."""

DARKNET = ".weights"
"""How files of weights end that Darknet wrote."""
Parameters = Mapping[str, Array | np.ndarray | jax.ShapeDtypeStruct]
"""By path."""


class Source(NamedTuple):
    """Where parameters come from."""

    words: str
    """what it is: "step 20 of runs/a", or a file"""
    given: Parameters
    remarks: list[str] = []
    """in what it differs from the run that takes them"""


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
    params = jax.eval_shape(lambda keys: run.task().init(keys[0]).params, seed_keys([0]))
    wanted = by_path(params)
    source = _of_file(run, run.origin, wanted) if run.origin.step is None else _of_run(run, run.origin)
    given = source.given
    taken = {
        path: np.asarray(given[path], leaf.dtype)
        for path, leaf in wanted.items()
        if path in given and given[path].shape == leaf.shape
    }
    if not taken:
        raise WrongInput(f"no parameter of {source.words} fits one of {run.name}")
    lines = [f"starts from {source.words}: {len(taken)} of {counted(len(wanted), 'parameter')}"]
    if new := wanted.keys() - taken.keys():
        lines.append(f"drawn anew: {', '.join(in_brief(new, wanted))}")
    if left := given.keys() - taken.keys():
        lines.append(f"not taken: {', '.join(in_brief(left, given))}")
    run = run._replace(initial=taken)
    if freeze:
        run = run._replace(origin=run.origin._replace(frozen=frozen_parts(run, freeze, params, taken)))
    return run, lines + source.remarks + _of_frozen(run)


def _of_run(run: Run, origin: Origin) -> Source:
    """The parameters of the first seed of another run."""
    saved = SavedRun(Path(origin.workdir))
    words, given = f"step {origin.step:,} of {origin.workdir}", by_path(saved.params(step=origin.step))
    if saved.run.name != run.name:
        return Source(f"{words}, a run of {saved.run.name}", given)
    ours, theirs = as_json(run.settings), as_json(saved.settings)
    differing = [name for name in ours if ours[name] != theirs[name] and name not in UNIMPORTANT]
    changes = ", ".join(f"{name} ({theirs[name]} → {ours[name]})" for name in differing)
    return Source(words, given, [f"differs in {changes}"] if differing else [])


def _of_file(run: Run, origin: Origin, wanted: Parameters) -> Source:
    """The arrays of a file that ``lectern export`` wrote, of a state dict of the same net in PyTorch, or of Darknet."""
    file = Path(origin.workdir)
    if digest(file) != origin.sha256:
        raise WrongInput(f"{file} is another file than when the run was started: its SHA-256 was {origin.sha256}")
    if file.suffix == DARKNET:
        return _of_darknet(run, file)
    weights = read_weights(file)
    if any(path.replace("/", ".") in weights for path in wanted):
        return Source(str(file), {name.replace(".", "/"): leaf for name, leaf in weights.items()})
    if run.experiment.network is None:
        raise WrongInput(f"{run.name} has not one network that {file} could be the weights of")
    network, shapes = (
        run.experiment.network(run.settings, run.dataset),
        {path: each.shape for path, each in wanted.items()},
    )
    try:
        return Source(str(file), from_torchvision(network, shapes, weights, run.dataset.image_shape))
    except ValueError as error:
        raise WrongInput(f"{file} does not fit {run.name}: {error}") from error


def _of_darknet(run: Run, file: Path) -> Source:
    """What a file of Darknet's has of the run's detector."""
    network = run.experiment.network(run.settings, run.dataset) if run.experiment.network else None
    if not isinstance(network, YOLOv3):
        raise WrongInput(f"{file}: Darknet's weights are read into YOLOv3, not into {run.name}")
    try:
        read = read_yolo(file, network, run.dataset.image_shape[-1])
    except ValueError as error:
        raise WrongInput(f"{file} does not fit {run.name}: {error}") from error
    return Source(str(file), by_path(read))


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


def origin_at(place: Path) -> Origin:
    """A file of weights, or a run folder with the parameters of its newest step, as the origin of another run."""
    if place.is_file():
        if place.suffix != DARKNET:
            read_weights(place)
        return Origin(str(place.absolute()), None, sha256=digest(place))
    step, _ = SavedRun(place).at()
    return Origin(str(place.absolute()), step)
