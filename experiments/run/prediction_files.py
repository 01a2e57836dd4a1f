"""Pictures with what was found in them: ``predictions/N/``."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.datasets.images.pictures import read_intensities
from experiments.plots.boxes import Drawn, boxed_images
from experiments.plots.canvas import save
from experiments.plots.segmentation import COLOURS
from experiments.run.prediction import BoxPrediction, PixelPrediction, Prediction
from experiments.run.run_folder import new_folder


def write_predictions(workdir: Path, predictions: Sequence[Prediction]) -> Path | None:
    """Writes a new folder with a picture for each that has places, and returns it; what is there already stays.

    Boxes are drawn on the picture. The classes of pixels are a PNG of the picture's size, whose values are the numbers
    of the classes, with a palette to look at. Names that are taken get a number.
    """
    placed = [each for each in predictions if isinstance(each, BoxPrediction | PixelPrediction)]
    if not placed:
        return None
    with new_folder(workdir / "predictions") as folder:
        for number, each in enumerate(placed):
            path = folder / f"{each.file.stem}.png"
            path = folder / f"{each.file.stem}-{number}.png" if path.exists() else path
            if isinstance(each, BoxPrediction):
                _write_boxes(path, each)
            else:
                _write_classes(path, each)
    return folder


def _write_boxes(path: Path, prediction: BoxPrediction) -> None:
    names = prediction.class_names
    each = zip(prediction.boxes, prediction.scores, prediction.labels, strict=True)
    drawn = [Drawn(box, label, f"{names[label]} {score:.2f}") for box, score, label in each]
    picture = read_intensities(prediction.file, 3)
    save(boxed_images(picture[None], [drawn], columns=1, title=prediction.file.name, side=6), path)


def _write_classes(path: Path, prediction: PixelPrediction) -> None:
    from PIL import Image

    picture = Image.fromarray(prediction.labels.astype(np.uint8), "P")
    colours = COLOURS[np.arange(len(prediction.class_names)) % len(COLOURS)]
    picture.putpalette((255 * colours).round().astype(np.uint8).tobytes())
    picture.save(path)
