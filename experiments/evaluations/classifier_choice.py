"""Which classifier judges the images of an experiment: a settings group that several experiments take."""

from dataclasses import dataclass
from pathlib import Path

from flax import linen as nn

from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.networks.digit_classifier.classifier import Classifier, digit_classifier
from experiments.networks.patch_classifier.classifier import patch_classifier
from experiments.numerals import counted

SHIPPED = {"digits": digit_classifier, "patches": patch_classifier}
"""What comes with the package, by the name of the data that it was trained on."""


@dataclass(frozen=True, kw_only=True)
class ClassifierChoice:
    """Who judges images."""

    classifier: Path | None = None
    """a run folder of a classifier of such images, as of `lenet`; without one that of digits or patches which comes
    with the package"""

    def load(self, dataset: Dataset) -> Classifier:
        """The classifier; ``WrongInput`` where it takes other images than those of the data set, or is none."""
        from experiments.run.saved_run import SavedRun

        loaded = SavedRun(self.classifier).classifier() if self.classifier else _shipped(dataset)
        found = loaded.image_shape, loaded.classes
        if found != (dataset.image_shape, dataset.required_classes()):
            whose = self.classifier or "the classifier that comes with the package"
            taken, given = _in_words(*found), _in_words(dataset.image_shape, dataset.classes)
            raise WrongInput(
                f"{whose} takes {taken}, and {dataset.name} has {given}: give a run of a classifier of these with "
                "--classifier WORKDIR"
            )
        return loaded

    def network(self, dataset: Dataset) -> nn.Module:
        """Whose parameters it has, without reading those of a run; ``WrongInput`` where there are several."""
        from experiments.run.saved_run import SavedRun

        return SavedRun(self.classifier).network if self.classifier else _shipped(dataset).network


def _shipped(dataset: Dataset) -> Classifier:
    return SHIPPED.get(dataset.name, digit_classifier)()


def _in_words(image_shape: tuple[int, int, int], classes: int) -> str:
    return f"images of {'×'.join(map(str, image_shape))} in {counted(classes, 'class')}"
