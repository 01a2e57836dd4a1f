"""The measures of latent space on coders that are known: linear ones, and a sphere."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from experiments.autoencoders import latent_space
from experiments.autoencoders.latent_space.experiment import LatentSpaceSettings, evaluate, task
from experiments.datasets.generated import shapes
from experiments.evaluations.codec import Coder, principal_components
from experiments.evaluations.downstream import squared_distances
from experiments.evaluations.latent_geometry import (
    boundary_codes,
    disentanglement,
    factor_analogies,
    geodesic_ratio,
    label_analogies,
    nearest_distance,
    pairs_sharing_a_factor,
    parallelograms,
    samples_at,
    stitched,
    unlikeness,
    ways,
)

DIGITS = LatentSpaceSettings().load()
TRAIN = {name: jnp.asarray(array) for name, array in DIGITS.head("train", 600).items()}
TEST = {name: jnp.asarray(array) for name, array in DIGITS.head("test", 100).items()}
KEY = jax.random.key(0)
PCA = principal_components(TRAIN["image"], 12)


def rotated(coder, seed=0):
    rotation = jnp.asarray(scipy.stats.ortho_group.rvs(12, random_state=seed), jnp.float32)
    return Coder(
        lambda images: coder.encode(images) @ rotation + 1, lambda codes: coder.decode((codes - 1) @ rotation.T)
    )


def test_a_rotated_copy_of_a_model_is_understood_after_a_map_and_not_after_a_random_one():
    found = stitched(PCA, rotated(PCA), TRAIN["image"][:50], TEST["image"], KEY)
    for name in ("second", "least_squares", "procrustes"):
        np.testing.assert_allclose(found[f"stitched/{name}"], found["stitched/first"], rtol=1e-3)
    assert found["stitched/random"] < found["stitched/first"] - 5


def test_a_map_needs_to_stretch_where_one_model_is_scaled():
    scaled = Coder(lambda images: 3 * PCA.encode(images), lambda codes: PCA.decode(codes / 3))
    found = stitched(PCA, scaled, TRAIN["image"][:50], TEST["image"], KEY)
    np.testing.assert_allclose(found["stitched/least_squares"], found["stitched/first"], rtol=1e-3)
    assert found["stitched/procrustes"] < found["stitched/first"] - 1


def test_the_nearest_image_is_found_by_brute_force():
    images, stored = np.asarray(TEST["image"][:10]), np.asarray(TRAIN["image"][:30])
    expected = np.sqrt(((images[:, None] - stored[None]) ** 2).mean(axis=(2, 3, 4))).min(axis=1)
    np.testing.assert_allclose(nearest_distance(jnp.asarray(images), jnp.asarray(stored)), expected, rtol=1e-4)
    np.testing.assert_allclose(nearest_distance(jnp.asarray(stored), jnp.asarray(stored)), 0, atol=1e-3)


def test_samples_lie_at_their_radius_and_far_ones_are_unlike_any_image():
    identity = Coder(lambda images: images, lambda codes: codes)
    codes = samples_at(identity, jnp.zeros((20, 9)), KEY, 2.0)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 6.0, rtol=1e-5)
    found = unlikeness(PCA, TEST["image"], TRAIN["image"], KEY)
    far, near = found["unlike/far"], found["unlike/near"]
    assert far > near
    assert found["unlike/test"] < 0.2


def test_ways_of_a_linear_decoder_are_straight():
    codes = PCA.encode(TEST["image"][:6])
    lines, geodesics = ways(PCA, codes[:3], codes[3:])
    np.testing.assert_allclose(geodesics, lines, atol=2e-3)
    np.testing.assert_allclose(geodesic_ratio(PCA, TEST["image"][:6]), 1, rtol=1e-4)


def test_ways_on_a_sphere_are_shorter():
    """From latitude and longitude (0.9, −1) to (0.9, 1): the ratio of the great circle to the parallel, cos φ Δλ."""

    def decode(codes):
        latitude, longitude = codes.T
        ring = jnp.cos(latitude)
        return jnp.stack([ring * jnp.cos(longitude), ring * jnp.sin(longitude), jnp.sin(latitude)], axis=1)

    codes = jnp.asarray([[0.9, -1.0], [0.9, 1.0]])
    sphere = Coder(lambda images: codes, lambda codes: decode(codes)[:, None, None, :])
    ends = np.asarray(decode(codes))
    expected = np.arccos(ends[0] @ ends[1]) / (2 * np.cos(0.9))
    np.testing.assert_allclose(geodesic_ratio(sphere, jnp.zeros((2, 1, 1, 1))), expected, rtol=2e-3)


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

    oracle = Coder(encode, lambda codes: images[jnp.round(codes @ numbers).astype(int)] + 0.01)
    found = factor_analogies(oracle, images)
    np.testing.assert_allclose(found["analogy_psnr/code"], 40, rtol=1e-3)
    np.testing.assert_allclose(found["analogy_psnr/reconstruction"], 40, rtol=1e-3)
    assert found["analogy_psnr/third_image"] < 20


def test_factors_as_codes_are_disentangled_rotated_they_are_not_and_noise_knows_nothing():
    known = jnp.asarray(shapes().splits["test"]["factors"])
    found = disentanglement(known.astype(float), known, KEY)
    assert found["mig/codes"] > 0.99
    assert found["beta_vae/codes"] == 1
    assert found["mig/rotated"] < 0.5
    assert found["mig/noise"] < 0.1
    assert abs(found["beta_vae/noise"] - 1 / 3) < 0.11  # five standard errors of 500 groups


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
    found = label_analogies(PCA, TEST["image"], TEST["label"], TRAIN)
    assert found["analogy/unchanged"] < 5
    assert found["analogy/changed"] > 50


def trained(settings, steps):
    dataset = latent_space.data(settings)
    made = task(settings, dataset)

    @jax.jit
    def train(state):
        def step(state, rows):
            return made.step(state, {"image": jnp.asarray(dataset.splits["train"]["image"])[rows]})[0], None

        rows = jax.random.randint(KEY, (steps, settings.batch_size), 0, 500)
        return jax.lax.scan(step, state, rows)[0]

    state = train(made.init(jax.random.key(0)))
    test = jax.tree.map(lambda leaf: jnp.asarray(leaf), dataset.splits["test"])
    return state, jax.jit(evaluate(settings, dataset))(state.params, test, KEY[None])


@pytest.mark.parametrize("second", ["vae", "autoencoder"])
def test_two_trained_models_understand_each_other_through_a_linear_map(second):
    _, found = trained(LatentSpaceSettings(second=second, widths=(64,), steps=600), 600)
    assert found["stitched/least_squares"][0] > found["stitched/random"][0] + 2
    assert found["stitched/least_squares"][0] > found["stitched/first"][0] - 3
    assert found["unlike/far"][0] > found["unlike/typical"][0]
    assert found["geodesic/length_ratio"][0] < 1


def test_the_second_model_is_what_it_is_asked_to_be():
    dataset = latent_space.data(LatentSpaceSettings())
    outputs = {}
    for second in ("vae", "autoencoder"):
        settings = LatentSpaceSettings(second=second, widths=(8,), latent=3, support=10)
        params = task(settings, dataset).init(KEY).params
        coder = latent_space.coders(settings, dataset, params)["second"]
        assert coder.encode(TEST["image"]).shape == (100, 3)
        outputs[second] = jax.tree.map(jnp.shape, params["second"])
    assert outputs["vae"] != outputs["autoencoder"]


def test_models_do_not_share_parameters_or_gradients():
    """A step with the second model's loss made another leaves the first as it is."""
    settings = LatentSpaceSettings(widths=(8,), batch_size=10)
    dataset = latent_space.data(settings)
    batch = {"image": TRAIN["image"][:10]}
    states = [task(s, dataset) for s in (settings, dataclasses.replace(settings, second="autoencoder"))]
    one, other = (jax.jit(t.step)(t.init(KEY), batch)[0].params for t in states)
    assert jax.tree.all(jax.tree.map(np.array_equal, one["first"], other["first"]))
    assert jax.tree.all(jax.tree.map(np.array_equal, one["plane"], other["plane"]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"support": 8}, "--support must be greater than --latent 8"), ({"train_on": "train+valid"}, "has no effect")],
)
def test_what_cannot_be_measured_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        LatentSpaceSettings(**fields)
