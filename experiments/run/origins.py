"""Where parameters come from that a run starts from: the folder of another run, or a file of weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from experiments.errors import WrongInput
from experiments.run.run import Run
from experiments.run.run_folder import Origin
from experiments.run.saved_run import SavedRun
from experiments.run.settings import as_json
from experiments.run.weights import digest, read_weights
from models.convnets.torchvision import from_torchvision
from models.darknet_weights import read_yolo
from models.yolo import YOLOv3
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


def origin_at(place: Path) -> Origin:
    """A file of weights, or a run folder with the parameters of its newest step, as the origin of another run."""
    if place.is_file():
        if place.suffix != DARKNET:
            read_weights(place)
        return Origin(str(place.absolute()), None, sha256=digest(place))
    step, _ = SavedRun(place).at()
    return Origin(str(place.absolute()), step)


def source_of(run: Run, origin: Origin, wanted: Parameters) -> Source:
    """The parameters of a run's origin, for one that wants these; ``WrongInput`` where they cannot be read for it."""
    return _of_file(run, origin, wanted) if origin.step is None else _of_run(run, origin)


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
