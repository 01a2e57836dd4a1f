"""Each downstream task is measured rightly on codecs that are known."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets import load
from experiments.evaluations.codec import Codec, pca_codec
from experiments.evaluations.downstream import (
    OUT_OF_DISTRIBUTION,
    compressed,
    imputed,
    label_precision,
    mean_psnr,
    missing_psnr,
    neighbour_recall,
    observed_mask,
    out_of_distribution,
    squared_distances,
)

KEY = jax.random.key(0)
DIGITS = load("digits", data_dir=None, binarization="none")
TRAIN = {name: jnp.asarray(array) for name, array in DIGITS.head("train", 400).items()}
TEST = {name: jnp.asarray(array) for name, array in DIGITS.head("test", 60).items()}
PCA = pca_codec(TRAIN["image"], 10)
SEEN = Codec(lambda images: images.reshape(len(images), -1), lambda codes: codes.reshape(-1, 8, 8, 1))


def test_distances_are_those_of_a_loop():
    one, other = (np.asarray(PCA.encode(examples["image"][:7])) for examples in (TEST, TRAIN))
    expected = [[np.sum((a - b) ** 2) for b in other] for a in one]
    np.testing.assert_allclose(squared_distances(jnp.asarray(one), jnp.asarray(other)), expected, rtol=1e-3, atol=1e-4)


def test_neighbours_are_all_kept_by_an_isometry_and_by_chance_at_random():
    """By chance 10 of 400, in percent; 60 queries leave a standard error of about 0.6."""
    pixels, stored = (examples["image"].reshape(-1, 64) for examples in (TEST, TRAIN))
    in_pixels = squared_distances(pixels, stored)
    np.testing.assert_allclose(neighbour_recall(squared_distances(3 * pixels, 3 * stored), in_pixels, k=10), 100)
    by_chance = neighbour_recall(jax.random.uniform(KEY, in_pixels.shape), in_pixels, k=10)
    assert abs(by_chance - 2.5) < 3
    assert neighbour_recall(-in_pixels, in_pixels, k=10) == 0


def test_the_nearest_label_is_that_of_scikit_learns_neighbours():
    from sklearn.neighbors import NearestNeighbors

    pixels, stored = (np.asarray(examples["image"]).reshape(-1, 64) for examples in (TEST, TRAIN))
    nearest = NearestNeighbors(n_neighbors=5).fit(stored).kneighbors(pixels, return_distance=False)
    expected = 100 * np.mean(np.asarray(TRAIN["label"])[nearest] == np.asarray(TEST["label"])[:, None])
    distances = squared_distances(jnp.asarray(pixels), jnp.asarray(stored))
    np.testing.assert_allclose(label_precision(distances, TEST["label"], TRAIN["label"], k=5), expected, rtol=1e-5)


def test_fine_quantisation_changes_nothing_and_costs_more():
    images, seen = TEST["image"], PCA.encode(TRAIN["image"])
    bits = {}
    for levels in (2, 8, 1024):
        bits[levels], coarse = compressed(PCA, images, seen, levels=levels)
    np.testing.assert_allclose(mean_psnr(images, coarse), mean_psnr(images, PCA.reconstruct(images)), rtol=1e-3)
    assert 0 < bits[2] < bits[8] < bits[1024] <= 10 * 10
    assert bits[2] <= 10


def test_foreign_images_have_the_pixels_of_the_known():
    images = np.asarray(TEST["image"])
    made = {kind: np.asarray(out_of_distribution(KEY, TEST["image"], kind)) for kind in OUT_OF_DISTRIBUTION}
    np.testing.assert_array_equal(made["upside_down"], np.rot90(images, 2, axes=(1, 2)))
    flat = {kind: each.reshape(60, 64) for kind, each in made.items()}
    np.testing.assert_array_equal(np.sort(flat["shuffled"], axis=1), np.sort(images.reshape(60, 64), axis=1))
    np.testing.assert_array_equal(np.sort(flat["independent"], axis=0), np.sort(images.reshape(60, 64), axis=0))
    assert (flat["shuffled"] != images.reshape(60, 64)).any(axis=1).all()
    assert (flat["independent"] != images.reshape(60, 64)).any(axis=1).all()


def test_imputation_keeps_what_was_observed_and_counts_only_what_was_not():
    images, mean = TEST["image"], TRAIN["image"].mean(axis=0)
    observed = observed_mask(KEY, images, missing=0.5)
    assert abs(observed.mean() - 0.5) < 0.05
    filled = imputed(PCA, images, observed, mean)
    np.testing.assert_array_equal(np.asarray(filled)[observed], np.asarray(images)[observed])
    expected = -10 * np.log10(np.mean((np.asarray(filled) - np.asarray(images))[~np.asarray(observed)] ** 2))
    np.testing.assert_allclose(missing_psnr(images, filled, observed), expected, rtol=1e-5)
    untouched = imputed(SEEN, images, observed, mean)
    np.testing.assert_array_equal(untouched, jnp.where(observed, images, mean))
