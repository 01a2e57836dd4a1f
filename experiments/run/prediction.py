"""What a trained network says of pictures: their class, the boxes of what is in them, or the class of every pixel."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.images.fitting import read_fitted
from experiments.datasets.images.pictures import read_intensities, read_resized, refuse_absent
from experiments.errors import WrongInput
from experiments.numerals import counted
from experiments.run.saved_run import CannotError, SavedRun, having

PARTS = ("classifier", "detector", "segmenter")
"""Of an experiment that says something of pictures, one of these."""
LEAST_SCORE = 0.5
"""Of the boxes that are told, where nothing else is said."""


class ClassPrediction(NamedTuple):
    """What a picture is taken for."""

    file: Path
    label: int
    """number of the class with the greatest logit"""
    name: str
    """of the class; its number where it has no name"""
    probabilities: Float[np.ndarray, " classes"]
    """the softmax of the logits"""
    resized_from: tuple[int, int] | None
    """height and width of the picture where they are not those that the network takes"""
    resized_to: tuple[int, int]
    """height and width that the network takes"""

    def as_json(self) -> dict:
        """The fields, as JSON can hold them."""
        return self._asdict() | {"file": str(self.file), "probabilities": self.probabilities.tolist()}

    @property
    def text(self) -> str:
        """The class, the share of the softmax that it has, and how the picture was resized."""
        said = f"{self.name}  {100 * self.probabilities[self.label]:5.1f} %"
        if self.resized_from is None:
            return said
        (height, width), (rows, columns) = self.resized_from, self.resized_to
        return f"{said}  resized from {width}×{height} to {columns}×{rows}"


class BoxPrediction(NamedTuple):
    """What is in a picture, the best score first."""

    file: Path
    boxes: Float[np.ndarray, "objects 4"]
    """(left, top, right, bottom) in pixels of the file"""
    scores: Float[np.ndarray, " objects"]
    labels: Int[np.ndarray, " objects"]
    class_names: tuple[str, ...]

    def as_json(self) -> dict:
        """The fields, as JSON can hold them."""
        each = zip(self.boxes.tolist(), self.scores.tolist(), self.labels.tolist(), strict=True)
        found = [{"name": self.class_names[i], "label": i, "score": score, "box": box} for box, score, i in each]
        return {"file": str(self.file), "objects": found}

    @property
    def text(self) -> str:
        """A line for each object: its class, score, place and size."""
        head = counted(len(self.boxes), "object")
        each = zip(self.boxes.round().astype(int).tolist(), self.scores, self.labels, strict=True)
        lines = [
            f"  {self.class_names[label]}  {score:.2f}  {right - left}×{bottom - top} at {left}, {top}"
            for (left, top, right, bottom), score, label in each
        ]
        return "\n".join([head, *lines])


class PixelPrediction(NamedTuple):
    """The class of every pixel of a picture."""

    file: Path
    labels: Int[np.ndarray, "height width"]
    class_names: tuple[str, ...]

    @property
    def shares(self) -> dict[str, float]:
        """Of the pixels, by class."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.class_names))
        return dict(zip(self.class_names, (counts / self.labels.size).tolist(), strict=True))

    def as_json(self) -> dict:
        """The size of the picture and the share of its pixels that each class has."""
        height, width = self.labels.shape
        return {"file": str(self.file), "width": width, "height": height, "shares": self.shares}

    @property
    def text(self) -> str:
        """The share of each class that is there."""
        return ", ".join(f"{name} {100 * share:.1f} %" for name, share in self.shares.items() if share)


Prediction = ClassPrediction | BoxPrediction | PixelPrediction


def predict(
    saved: SavedRun,
    files: Sequence[Path],
    *,
    seed: int | None = None,
    step: int | None = None,
    least_score: float | None = None,
) -> list[Prediction]:
    """What a seed of a run, at a saved step, says of PNG and JPEG files.

    ``least_score`` is that of the boxes which a detector tells, 0.5 where it is None; what lies beside its picture is
    not told. ``CannotError`` where the run says nothing of pictures, ``WrongInput`` for a score beyond [0, 1];
    ``DataError`` names the files that are not there, or the first that cannot be read.
    """
    experiment, chosen = saved.run.experiment, {"seed": seed, "step": step}
    if all(getattr(experiment, part) is None for part in PARTS):
        raise CannotError(f"{saved.run.name} says nothing of pictures; these do: {', '.join(having(*PARTS))}")
    if least_score is not None and not 0 <= least_score <= 1:
        raise WrongInput(f"--least-score must be from 0 to 1, got {least_score}")
    refuse_absent(files)
    if experiment.detector is not None:
        return _boxes(saved, files, chosen, LEAST_SCORE if least_score is None else least_score)
    if least_score is not None:
        raise WrongInput(f"--least-score is of boxes, and {saved.run.name} tells none: leave it out")
    return (_classes if experiment.segmenter is None else _pixels)(saved, files, chosen)


def _classes(saved: SavedRun, files: Sequence[Path], chosen: dict) -> list[Prediction]:
    shape = saved.dataset.image_shape
    read = [read_resized(path, shape) for path in files]
    logits = saved.classify(np.stack([pixels for pixels, _ in read]), **chosen)
    names = saved.dataset.class_names or tuple(map(str, range(logits.shape[1])))
    labels, shares = np.argmax(logits, axis=1).tolist(), np.asarray(jax.nn.softmax(logits, axis=1))
    return [
        ClassPrediction(path, label, names[label], share, None if size == shape[:2] else size, shape[:2])
        for path, (_, size), label, share in zip(files, read, labels, shares, strict=True)
    ]


def _boxes(saved: SavedRun, files: Sequence[Path], chosen: dict, least_score: float) -> list[Prediction]:
    side, _, channels = saved.dataset.image_shape
    read = [read_fitted(path, side=side, channels=channels) for path in files]
    images = np.stack([np.divide(pixels, 255, dtype=np.float32) for pixels, _ in read])
    found = saved.detect(images, **chosen)
    predictions = []
    for number, (path, (_, place)) in enumerate(zip(files, read, strict=True)):
        box, score, label = (np.asarray(part[number]) for part in found)
        cut = place.back(box)
        told = (score >= least_score) & np.all(cut[:, 2:] > cut[:, :2], axis=1)
        order = [each for each in np.argsort(-score, kind="stable") if told[each]]
        predictions.append(BoxPrediction(path, cut[order], score[order], label[order], saved.dataset.class_names))
    return predictions


def _pixels(saved: SavedRun, files: Sequence[Path], chosen: dict) -> list[Prediction]:
    channels, names = saved.dataset.image_shape[-1], saved.dataset.class_names
    pictures = [read_intensities(path, channels) for path in files]
    labels = saved.segment(pictures, **chosen)
    return [PixelPrediction(path, each, names) for path, each in zip(files, labels, strict=True)]
