"""Losses pixel by pixel in NumPy, border weights by SciPy's distance transform, and pixels that do not count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.ndimage import distance_transform_edt
from scipy.special import log_softmax

from losses.segmentation import border_weights, counted_pixels, pixel_cross_entropy

CASES = {border_weights: Case(lambda rng: (rng.random((3, 5, 7)) < 0.2,))}
RNG = np.random.default_rng(0)


def example():
    labels = RNG.integers(0, 3, (5, 6))
    labels[0, :3], labels[4, 2] = 255, -1
    return RNG.normal(size=(5, 6, 3)), labels, RNG.uniform(0.5, 3, (5, 6))


def test_it_is_the_weighted_sum_over_pixels_that_count(float64):
    logits, labels, weights = example()
    terms = [
        -weights[place] * log_softmax(logits[place])[label]
        for place, label in np.ndenumerate(labels)
        if label not in (-1, 255)
    ]
    found = pixel_cross_entropy(*map(jnp.asarray, (logits, labels, weights)))
    np.testing.assert_allclose(found, np.sum(terms) / len(terms), rtol=1e-12)
    assert len(terms) == 30 - 4


@pytest.mark.parametrize("ignored", [-1, 255])
def test_pixels_to_ignore_neither_count_nor_train(float64, ignored):
    """Not even where their logits are no numbers; others train as if these were not there."""
    logits, labels, weights = example()
    labels = np.where(np.isin(labels, (-1, 255)), ignored, labels)
    broken = np.where((labels == ignored)[..., None], np.nan, logits)
    loss, gradient = jax.value_and_grad(pixel_cross_entropy)(
        jnp.asarray(broken), jnp.asarray(labels), jnp.asarray(weights)
    )
    assert (np.asarray(gradient)[labels == ignored] == 0).all()
    np.testing.assert_allclose(loss, pixel_cross_entropy(*map(jnp.asarray, (logits, labels, weights))), rtol=1e-12)
    assert (np.abs(np.asarray(gradient)[labels != ignored]).max(axis=-1) > 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16])
def test_labels_may_be_of_any_whole_type(dtype):
    """Of those to ignore a small type holds one."""
    labels = np.array([[0, 1, 2, 3, np.iinfo(dtype).max if dtype == np.uint8 else -1]]).astype(dtype)
    logits = jax.random.normal(jax.random.key(0), (1, 5, 4))
    assert counted_pixels(jnp.asarray(labels)).tolist() == [[True] * 4 + [False]]
    found = pixel_cross_entropy(logits, jnp.asarray(labels), jnp.ones((1, 5)))
    wide = pixel_cross_entropy(logits, jnp.asarray(labels.astype(np.int32)), jnp.ones((1, 5)))
    assert found == wide


def test_an_image_of_nothing_else_has_the_loss_zero():
    logits, labels = jnp.ones((2, 3, 4)), jnp.full((2, 3), 255, jnp.int32)
    loss, gradient = jax.value_and_grad(pixel_cross_entropy)(logits, labels, jnp.ones((2, 3)))
    assert loss == 0
    assert (gradient == 0).all()
    assert not counted_pixels(labels).any()


def test_border_weights_are_the_equation_by_scipy(float64):
    objects = np.zeros((4, 20, 24), bool)
    objects[0, 2:8, 3:9], objects[1, 2:9, 11:17], objects[2, 14:18, 6:12] = True, True, True
    distances = np.sort([distance_transform_edt(~each) for each in objects[:3]], axis=0)
    expected = 10 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * 5**2))
    found = border_weights(jnp.asarray(objects))
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    between, far = found[4, 9], found[12, 22]
    assert 7 < between < 10
    assert far < 0.1


def test_nothing_lies_between_fewer_than_two_objects():
    one = jnp.zeros((2, 4, 5), bool).at[0, 1, 1].set(True)
    assert (border_weights(one) == 0).all()
    with pytest.raises(ValueError, match="two objects"):
        border_weights(one[:1])
