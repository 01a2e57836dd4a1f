"""Fewer images and fewer pixels, against JAX's resizing."""

import jax
import numpy as np
import pytest

from experiments.datasets import DataError, load
from experiments.datasets.images.smaller import bilinear, fewer, resized


@pytest.mark.parametrize(("shape", "side"), [((28, 28), 16), ((8, 8), 16), ((9, 5), 4), ((8, 8), 8)])
def test_bilinear_is_jaxs_without_antialiasing(shape, side):
    images = np.random.default_rng(0).random((3, *shape, 2), dtype=np.float32)
    expected = jax.image.resize(images, (3, side, side, 2), "bilinear", antialias=False)
    np.testing.assert_allclose(bilinear(images, side), expected, atol=1e-6)


def test_a_smaller_data_set_says_so():
    digits = load("digits", data_dir=None)
    small = resized(fewer(digits, train=100, test=20), side=16)
    assert {split: examples["image"].shape for split, examples in small.splits.items()} == {
        "train": (100, 16, 16, 1), "valid": (250, 16, 16, 1), "test": (20, 16, 16, 1),
    }  # fmt: skip
    assert "100 of train and 20 of test by a fixed permutation, resized to 16×16" in small.protocol
    assert len({digits.fingerprint, fewer(digits, train=100, test=20).fingerprint, small.fingerprint}) == 3
    pixels = digits.splits["test"]["image"].reshape(250, -1)
    kept = fewer(digits, train=100, test=20).splits["test"]["image"].reshape(20, -1)
    assert all((pixels == image).all(axis=1).any() for image in kept)


def test_more_than_there_are_is_refused():
    with pytest.raises(DataError, match=r"^digits has 250 images in its test split, expected at least 251$"):
        fewer(load("digits", data_dir=None), train=1, test=251)
