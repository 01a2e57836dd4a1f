"""How many pictures a second detectors look through: ``python -m experiments.bench.detectors WORK``.

For ``lectern bench detectors``: those of ``feature_pyramids`` and of ``region_proposals`` as they are by default, but
untrained, for what is computed does not depend on their parameters. Of regions the search, which runs on the host, is
timed with the classifier.
"""

import time
from collections.abc import Callable

import jax
import numpy as np

from experiments.bench.convolution import main
from experiments.datasets import Dataset
from experiments.networks.feature_pyramid import Detector, Form
from experiments.objectives.detection import DetectionObjective
from experiments.run.settings import configure
from experiments.vision.feature_pyramids import experiment as pyramids
from experiments.vision.region_proposals import experiment as regions

PICTURES = 100
ROUNDS = 5
FORMS = {form.replace("_", "-"): form for form in pyramids.FORMS}


def per_second(look: Callable[[], object]) -> float:
    """Pictures a second, a first call excluded; the best of some rounds."""
    jax.block_until_ready(look())
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        jax.block_until_ready(look())
        seconds.append(time.perf_counter() - started)
    return PICTURES / min(seconds)


def found_by(detector: Detector, objective: DetectionObjective, dataset: Dataset) -> float:
    """Of a detector that sees a picture once."""
    images = dataset.whole("test")["image"]
    params = jax.jit(detector.model.init)(jax.random.key(0), images[:1])
    find = jax.jit(lambda params, images: detector.finds(objective, params, images))
    return per_second(lambda: find(params, images))


def of_form(form: Form) -> float:
    """One of the four detectors of objects of all sizes."""
    settings = configure(pyramids.FeaturePyramidsSettings(), forms=(form,), scenes=8, held_out=PICTURES)
    dataset = pyramids.data(settings)
    return found_by(pyramids.detectors(settings, dataset)[form], settings.objective, dataset)


def by_regions() -> float:
    """Selective search, and the classifier of what it proposes."""
    settings = configure(regions.RegionProposalsSettings(), scenes=8, held_out=PICTURES)
    dataset = settings.scenes.load_boxes()
    classifier, images = regions.region_classifier(settings, dataset), dataset.whole("test")["image"]
    crops = np.zeros((1, settings.crop, settings.crop, images.shape[-1]), np.float32)
    params = jax.jit(classifier.model.init)(jax.random.key(0), crops)
    find = jax.jit(lambda params, scenes: classifier.finds(settings.objective, params, scenes))

    def look() -> object:
        proposals = np.stack([settings.search.boxes(number, image) for number, image in enumerate(images)])
        return find(params, {"image": images, "proposal": proposals})

    return per_second(look)


def by_single_shot() -> float:
    """The detector beside them."""
    settings = configure(regions.RegionProposalsSettings(), scenes=8, held_out=PICTURES)
    dataset = settings.scenes.load_boxes()
    return found_by(regions.detector(settings, dataset), settings.objective, dataset)


WORKS: dict[str, Callable[[], float]] = {
    **{name: lambda form=form: of_form(form) for name, form in FORMS.items()},
    "regions": by_regions,
    "single-shot": by_single_shot,
}

if __name__ == "__main__":
    main(WORKS, lambda work: work())
