"""What a trained classifier takes pictures for."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from experiments.datasets.images.pictures import read_resized
from experiments.run.saved_run import SavedRun


class Prediction(NamedTuple):
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

    def as_json(self) -> dict:
        """The fields, as JSON can hold them."""
        return self._asdict() | {"file": str(self.file), "probabilities": self.probabilities.tolist()}


def predict(
    saved: SavedRun, files: Sequence[Path], *, seed: int | None = None, step: int | None = None
) -> list[Prediction]:
    """Classes of PNG and JPEG files; ``DataError`` names one that cannot be read."""
    shape = saved.dataset.image_shape
    read = [read_resized(path, shape) for path in files]
    logits = saved.classify(np.stack([pixels for pixels, _ in read]), seed=seed, step=step)
    names = saved.dataset.class_names or tuple(map(str, range(logits.shape[1])))
    labels, shares = np.argmax(logits, axis=1).tolist(), np.asarray(jax.nn.softmax(logits, axis=1))
    return [
        Prediction(path, label, names[label], share, None if size == shape[:2] else size)
        for path, (_, size), label, share in zip(files, read, labels, shares, strict=True)
    ]
