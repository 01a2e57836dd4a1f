"""Four detectors: every object has one size, what says the truth scores 100 % in each form, and they learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import metrics_of_run

from experiments.networks.feature_pyramid import SIZES, PyramidNetwork
from experiments.objectives.detection import DetectionObjective, truth_of
from experiments.run.settings import configure
from experiments.vision.feature_pyramids.experiment import FORMS, FeaturePyramidsSettings, costs, data, detectors
from losses.detection import Prediction
from losses.metrics.detection import detection_average_precision, mean_average_precision
from models.layers.yolo import encode_boxes

SMALL = {"scenes": 40, "held_out": 4, "batch_size": 4}


@pytest.fixture(scope="module")
def settings():
    return configure(FeaturePyramidsSettings(), SMALL)


@pytest.fixture(scope="module")
def dataset(settings):
    return data(settings)


def test_every_object_is_of_one_size(dataset):
    """The areas touch and leave nothing out: 8² pixels are middle, one less is small."""
    areas = PyramidNetwork().areas
    assert tuple(areas) == SIZES
    train = dataset.splits["train"]
    boxes = train["box"][train["label"] >= 0]
    sizes = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    of = {name: (sizes >= low) & (sizes <= high) for name, (low, high) in areas.items()}
    np.testing.assert_array_equal(sum(each.astype(int) for each in of.values()), 1)
    assert min(each.sum() for each in of.values()) > 20
    np.testing.assert_array_equal(of["small"], sizes < 64)
    np.testing.assert_array_equal(of["large"], sizes >= 256)


@pytest.mark.parametrize("form", FORMS)
def test_what_says_the_truth_has_an_average_precision_of_one_at_every_size(form, settings, dataset):
    detector = detectors(settings, dataset)[form]
    scenes = jax.tree.map(jnp.asarray, dataset.splits["train"])

    def said(boxes, labels):
        told = detector.assigned(boxes, labels, jnp.zeros((len(detector.slots.stride), 4)), detector.slots)
        objectness = jnp.where(told.responsible, 8.0, -8.0)
        values = jnp.where(told.responsible[:, None], encode_boxes(told.box, detector.slots), 0)
        return Prediction(values, objectness, jnp.full((len(objectness), 1), 8.0))

    prediction = jax.jit(jax.vmap(said))(scenes["box"], scenes["label"])
    apart = (prediction.objectness > 0).sum(axis=1) == (scenes["label"] >= 0).sum(axis=1)
    assert apart.sum() >= 25  # of two in one slot the second is told to none
    prediction, scenes = jax.tree.map(lambda leaf: leaf[apart], (prediction, scenes))
    found = jax.jit(lambda given: DetectionObjective(suppress=0.9).detect(given, detector.slots))(prediction)
    for areas in settings.network.areas.values():
        precision = detection_average_precision(found, truth_of(scenes), classes=1, thresholds=(0.5, 0.95), areas=areas)
        np.testing.assert_allclose(mean_average_precision(precision), 1, atol=1e-6)


def test_an_image_pyramid_costs_five_and_a_quarter_of_its_map(settings, dataset):
    """4 + 1 + 1/4, by all products and biases but those of the outputs, of which a map of three anchors has more."""
    found = costs(settings, dataset)
    features, numbers = settings.network.features, 6
    cells = {"image_pyramid": 4**2 + 8**2 + 16**2, "single_map": 3 * 8**2}
    inside = {form: found[form]["flops"] - count * numbers * (2 * features + 1) for form, count in cells.items()}
    assert inside["image_pyramid"] == 5.25 * inside["single_map"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": (8, 16, 32)}, "expected one of the first convolution and three of stages"),
        ({"image_size": 56}, "--image-size 56 must be a multiple of 16"),
        ({"forms": ()}, "--forms must name at least one"),
        ({"forms": ("hierarchy", "hierarchy")}, "none twice"),
    ],
)
def test_nets_that_do_not_fit_are_refused_in_one_line(fields, message):
    with pytest.raises(ValueError, match=message) as caught:
        configure(FeaturePyramidsSettings(), fields)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_pyramid_finds_small_objects_that_a_single_map_does_not(undrawn, tmp_path):
    found = metrics_of_run("feature_pyramids", tmp_path, steps=600, forms=("single_map", "feature_pyramid"))
    assert found["feature_pyramid/ap50"] > 45
    assert found["feature_pyramid/ap_small"] > found["single_map/ap_small"] + 5
