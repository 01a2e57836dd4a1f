"""Overlaps by sets of pixels."""

import jax.numpy as jnp
import numpy as np
from cases import Case
from sklearn.metrics import jaccard_score

from losses.metrics.segmentation import class_overlaps, mean_iou

CASES = {
    class_overlaps: Case(lambda rng: (rng.integers(0, 3, (4, 5)), rng.integers(-1, 3, (4, 5))), options={"classes": 3}),
    mean_iou: Case(lambda rng: (rng.uniform(1, 2, 3), rng.uniform(3, 4, 3))),
}


def test_overlaps_are_those_of_sets_of_pixels():
    rng = np.random.default_rng(0)
    for _ in range(5):
        predicted, labels = rng.integers(0, 4, (6, 7)), rng.choice([-1, 0, 1, 2, 255], (6, 7))
        found = class_overlaps(jnp.asarray(predicted), jnp.asarray(labels), classes=4)
        for number in range(4):
            counts = {place for place, label in np.ndenumerate(labels) if label not in (-1, 255)}
            said = {place for place in counts if predicted[place] == number}
            true = {place for place in counts if labels[place] == number}
            assert (found[0][number], found[1][number]) == (len(said & true), len(said | true))


def test_the_mean_is_scikit_learns_over_the_classes_that_are_there(float64):
    rng = np.random.default_rng(1)
    predicted, labels = rng.integers(0, 3, (2, 40, 9))
    overlaps = class_overlaps(jnp.asarray(predicted), jnp.asarray(labels), classes=5)
    expected = jaccard_score(labels.ravel(), predicted.ravel(), average="macro")
    np.testing.assert_allclose(mean_iou(*overlaps), expected, rtol=1e-12)
    assert mean_iou(*class_overlaps(jnp.asarray(labels), jnp.asarray(labels), classes=5)) == 1
    nothing = class_overlaps(jnp.asarray(labels), jnp.full_like(jnp.asarray(labels), 255), classes=5)
    assert np.isnan(mean_iou(*nothing))
