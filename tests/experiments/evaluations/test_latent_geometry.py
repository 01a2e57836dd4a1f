"""The measures of latent space on codecs that are known: linear ones, and a sphere."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from experiments.datasets import load
from experiments.datasets.generated import shapes
from experiments.evaluations.codec import Codec, pca_codec
from experiments.evaluations.downstream import squared_distances
from experiments.evaluations.latent_geometry import (
    boundary_codes,
    curves_between,
    disentanglement,
    factor_analogies,
    geodesic_length_ratio,
    label_analogies,
    nearest_distance,
    nearest_distances,
    pairs_sharing_a_factor,
    parallelograms,
    samples_at,
    stitching_psnr,
)

DIGITS = load("digits", data_dir=None, binarization="none")
TRAIN = {name: jnp.asarray(array) for name, array in DIGITS.head("train", 600).items()}
TEST = {name: jnp.asarray(array) for name, array in DIGITS.head("test", 100).items()}
KEY = jax.random.key(0)
PCA = pca_codec(TRAIN["image"], 12)


def rotated(codec, seed=0):
    rotation = jnp.asarray(scipy.stats.ortho_group.rvs(12, random_state=seed), jnp.float32)
    return Codec(
        lambda images: codec.encode(images) @ rotation + 1, lambda codes: codec.decode((codes - 1) @ rotation.T)
    )


def test_a_rotated_copy_of_a_model_is_understood_after_a_map_and_not_after_a_random_one():
    found = stitching_psnr(PCA, rotated(PCA), TRAIN["image"][:50], TEST["image"], KEY)
    for name in ("second", "stitched_least_squares", "stitched_procrustes"):
        np.testing.assert_allclose(found[f"{name}/psnr"], found["first/psnr"], rtol=1e-3)
    assert found["stitched_random/psnr"] < found["first/psnr"] - 5


def test_a_map_needs_to_stretch_where_one_model_is_scaled():
    scaled = Codec(lambda images: 3 * PCA.encode(images), lambda codes: PCA.decode(codes / 3))
    found = stitching_psnr(PCA, scaled, TRAIN["image"][:50], TEST["image"], KEY)
    np.testing.assert_allclose(found["stitched_least_squares/psnr"], found["first/psnr"], rtol=1e-3)
    assert found["stitched_procrustes/psnr"] < found["first/psnr"] - 1


def test_the_nearest_image_is_found_by_brute_force():
    images, stored = np.asarray(TEST["image"][:10]), np.asarray(TRAIN["image"][:30])
    expected = np.sqrt(((images[:, None] - stored[None]) ** 2).mean(axis=(2, 3, 4))).min(axis=1)
    np.testing.assert_allclose(nearest_distance(jnp.asarray(images), jnp.asarray(stored)), expected, rtol=1e-4)
    np.testing.assert_allclose(nearest_distance(jnp.asarray(stored), jnp.asarray(stored)), 0, atol=1e-3)


def test_samples_lie_at_their_radius_and_far_ones_are_far_from_any_image():
    identity = Codec(lambda images: images, lambda codes: codes)
    codes = samples_at(identity, jnp.zeros((20, 9)), KEY, 2.0)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 6.0, rtol=1e-5)
    found = nearest_distances(PCA, TEST["image"], TRAIN["image"], KEY)
    far, near = found["first/nearest_distance_far"], found["first/nearest_distance_near"]
    assert far > near
    assert found["test_images/nearest_distance"] < 0.2


def test_where_codes_are_the_images_the_middle_of_codes_is_the_blend():
    identity = Codec(lambda images: images.reshape(len(images), -1), lambda codes: codes.reshape(-1, 8, 8, 1))
    found = nearest_distances(identity, TEST["image"][:6], TRAIN["image"], KEY)
    np.testing.assert_allclose(found["blended_images/nearest_distance"], found["first/nearest_distance_linear"])


def test_geodesics_of_a_linear_decoder_are_straight():
    codes = PCA.encode(TEST["image"][:6])
    lines, geodesics = curves_between(PCA, codes[:3], codes[3:], steps=50)
    np.testing.assert_allclose(geodesics, lines, atol=2e-3)
    np.testing.assert_allclose(geodesic_length_ratio(PCA, TEST["image"][:6], steps=50), 1, rtol=1e-4)


def test_geodesics_on_a_sphere_are_shorter():
    """From latitude and longitude (0.9, −1) to (0.9, 1): the ratio of the great circle to the parallel, cos φ Δλ."""

    def decode(codes):
        latitude, longitude = codes.T
        ring = jnp.cos(latitude)
        return jnp.stack([ring * jnp.cos(longitude), ring * jnp.sin(longitude), jnp.sin(latitude)], axis=1)

    codes = jnp.asarray([[0.9, -1.0], [0.9, 1.0]])
    sphere = Codec(lambda images: codes, lambda codes: decode(codes)[:, None, None, :])
    ends = np.asarray(decode(codes))
    expected = np.arccos(ends[0] @ ends[1]) / (2 * np.cos(0.9))
    np.testing.assert_allclose(geodesic_length_ratio(sphere, jnp.zeros((2, 1, 1, 1)), steps=50), expected, rtol=2e-3)


def test_pairs_share_the_factor_of_their_group_and_others_by_chance():
    shared, one, other = (np.asarray(array) for array in pairs_sharing_a_factor())
    known = shapes().splits["test"]["factors"]
    same = (known[one] == known[other]).mean(axis=1)
    assert (same[np.arange(len(shared)), shared] == 1).all()
    different = np.array([same[shared != factor, factor].mean() for factor in range(3)])
    np.testing.assert_allclose(different, [1 / 10, 1 / 10, 1 / 6], atol=0.01)
    np.testing.assert_allclose(np.bincount(shared) / len(shared), 1 / 3, atol=0.06)


def test_analogies_of_discs_are_exact_where_codes_are_their_factors():
    known, images = shapes().splits["test"]["factors"], jnp.asarray(shapes().splits["test"]["image"])
    first, second, third, fourth = (known[corner] for corner in parallelograms())
    np.testing.assert_array_equal(first - second + third, fourth)
    assert (first[:, 0] != second[:, 0]).all()
    assert (second[:, 1] != third[:, 1]).all()
    numbers = jnp.asarray([60.0, 6.0, 1.0])

    def encode(given):
        flat = given.reshape(len(given), -1)
        return jnp.asarray(known, jnp.float32)[jnp.argmin(squared_distances(flat, images.reshape(600, -1)), axis=1)]

    oracle = Codec(encode, lambda codes: images[jnp.round(codes @ numbers).astype(int)] + 0.01)
    found = factor_analogies(oracle, images)
    np.testing.assert_allclose(found["first/analogy_psnr"], 40, rtol=1e-3)
    np.testing.assert_allclose(found["reconstruction/analogy_psnr"], 40, rtol=1e-3)
    assert found["third_image/analogy_psnr"] < 20


def test_factors_as_codes_are_disentangled_rotated_they_are_not_and_noise_knows_nothing():
    known = jnp.asarray(shapes().splits["test"]["factors"])
    found = disentanglement(known.astype(float), known, KEY)
    assert found["first/mig"] > 0.99
    assert found["first/beta_vae_score"] == 1
    assert found["rotated/mig"] < 0.5
    assert found["noise/mig"] < 0.1
    assert abs(found["noise/beta_vae_score"] - 1 / 3) < 0.11  # five standard errors of 500 groups


def test_the_boundary_is_between_two_labels():
    """The label of the nearest image is the start's a thousandth of the way before, and another as much after."""
    codes = PCA.encode(TEST["image"])
    starts, ends = codes[:5], codes[5:10]
    found = np.asarray(boundary_codes(PCA, starts, ends, TRAIN))
    stored, labels = np.asarray(TRAIN["image"]).reshape(600, -1), np.asarray(TRAIN["label"])

    def label(code):
        image = np.asarray(PCA.decode(jnp.asarray(code)[None])).ravel()
        return labels[np.argmin(((stored - image) ** 2).sum(axis=1))]

    for start, at, end in zip(np.asarray(starts), found, np.asarray(ends), strict=True):
        assert label(at - 1e-3 * (end - start)) == label(start)
        if label(start) != label(end):
            assert label(at + 1e-3 * (end - start)) != label(start)


def test_a_mean_of_another_label_makes_an_image_of_that_label():
    found = label_analogies(PCA, TEST["image"], TEST["label"], TRAIN, classes=10)
    assert found["first/analogy_unchanged"] < 5
    assert found["first/analogy_changed"] > 50
