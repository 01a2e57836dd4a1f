"""Crops against padding and slicing by hand, flips against NumPy, and both against the chances they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy import stats

from models.layers.augment import random_crop, random_flip

CASES = {random_crop: Case(options={"padding": 1})}
IMAGE = jnp.arange(1.0, 1 + 5 * 7 * 2).reshape(5, 7, 2)
COUNT = 5_000
KEYS = jax.random.split(jax.random.key(0), COUNT)


def crop_by_hand(image: np.ndarray, row: int, column: int, padding: int) -> np.ndarray:
    """What stands in the window of the image's size whose corner is (row, column) of the padded image."""
    crop = np.zeros_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            source = i + row - padding, j + column - padding
            if 0 <= source[0] < image.shape[0] and 0 <= source[1] < image.shape[1]:
                crop[i, j] = image[source]
    return crop


@pytest.mark.parametrize("padding", [1, 2])
def test_every_shift_is_that_by_hand_and_all_are_equally_likely(padding):
    crops = np.asarray(jax.jit(jax.vmap(lambda key: random_crop(key, IMAGE, padding=padding)))(KEYS))
    places = range(2 * padding + 1)
    expected = {crop_by_hand(np.asarray(IMAGE), u, v, padding).tobytes(): (u, v) for u in places for v in places}
    assert len(expected) == (2 * padding + 1) ** 2
    counts = dict.fromkeys(expected.values(), 0)
    for crop in crops:
        counts[expected[crop.tobytes()]] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 0.01


def test_without_padding_nothing_moves():
    np.testing.assert_array_equal(random_crop(jax.random.key(1), IMAGE, padding=0), IMAGE)


def test_the_padding_of_the_paper_is_four_pixels():
    shifts = jax.vmap(lambda key: random_crop(key, jnp.ones((32, 32, 1))))(KEYS[:400])
    rows, columns = (np.asarray(shifts[..., 0].max(axis=axis).sum(axis=1)) for axis in (2, 1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (28, 32, 28, 32)


def test_half_of_all_images_are_mirrored_left_for_right():
    flipped = np.asarray(jax.jit(jax.vmap(lambda key: random_flip(key, IMAGE)))(KEYS))
    mirrored = (flipped == np.fliplr(IMAGE)).all(axis=(1, 2, 3))
    kept = (flipped == np.asarray(IMAGE)).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert stats.binomtest(int(mirrored.sum()), COUNT, 0.5).pvalue > 0.01
