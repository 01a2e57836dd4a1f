"""Octaves: sizes by hand, resizing against its definition, and sums of details that give the image again."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.octaves import accumulated, lost_details, octave_sizes, resized

CASES = {
    resized: Case(options={"size": (5, 3)}),
    lost_details: Case(lambda rng: (rng.normal(size=(6, 5, 2)),), options={"size": (3, 2)}),
    accumulated: Case(lambda rng: ([rng.normal(size=(2, 2, 1)), rng.normal(size=(3, 4, 1))],)),
}
RNG = np.random.default_rng(0)


def test_each_octave_is_larger_than_the_one_before_and_the_last_is_the_image():
    assert octave_sizes((100, 60), octaves=3, scale=2.0) == [(25, 15), (50, 30), (100, 60)]
    assert octave_sizes((97, 31), octaves=1, scale=1.4) == [(97, 31)]
    with pytest.raises(ValueError, match="nothing is left of 4 × 9 pixels after 4 steps"):
        octave_sizes((4, 9), octaves=5, scale=2.0)
    for odd in (dict(octaves=0, scale=2.0), dict(octaves=2, scale=0.9)):
        with pytest.raises(ValueError, match="each larger"):
            octave_sizes((4, 9), **odd)


def test_twice_as_large_it_is_interpolated_between_the_centres_of_pixels(float64):
    """Pixel p of the larger image stands at (p + ½)/2 − ½ of the smaller."""
    image = RNG.normal(size=(5, 4, 2))
    places = [np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1) for size in image.shape[:2]]
    rows, columns = (np.maximum(0, 1 - np.abs(p[:, None] - np.arange(n))) for p, n in zip(places, (5, 4), strict=True))
    expected = np.einsum("ih,hwc,jw->ijc", rows, image, columns)
    np.testing.assert_allclose(resized(jnp.asarray(image), size=(10, 8)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [(3, 9), (12, 7), (7, 5)])
def test_an_even_image_stays_even_and_one_of_its_own_size_as_it_is(size):
    np.testing.assert_allclose(resized(jnp.full((7, 5, 3), 0.4), size=size), 0.4, rtol=1e-6)
    image = jnp.asarray(RNG.normal(size=(7, 5, 3)), jnp.float32)
    np.testing.assert_array_equal(resized(image, size=(7, 5)), image)


@pytest.mark.parametrize("size", [(3, 4), (1, 1), (9, 11)])
def test_details_and_what_is_left_are_the_image(float64, size):
    image = jnp.asarray(RNG.normal(size=(9, 11, 3)))
    left = resized(resized(image, size=size), size=(9, 11))
    np.testing.assert_allclose(left + lost_details(image, size=size), image, rtol=1e-12)


def test_a_pyramid_of_what_each_octave_adds_is_the_image(float64):
    """Burt & Adelson 1983: of each size what the size before does not say."""
    image, sizes = jnp.asarray(RNG.normal(size=(13, 10, 2))), octave_sizes((13, 10), octaves=4, scale=1.5)
    stored = [image]
    for size in reversed(sizes[:-1]):
        stored.insert(0, resized(stored[0], size=size))
    own = [stored[0]]
    own += [lost_details(larger, size=smaller.shape[:2]) for smaller, larger in itertools.pairwise(stored)]
    for found, expected in zip(accumulated(own), stored, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_what_adds_nothing_carries_the_details_on():
    first = jnp.asarray(RNG.normal(size=(4, 3, 1)), jnp.float32)
    details = accumulated([first, jnp.zeros((6, 5, 1)), jnp.zeros((9, 7, 1))])
    np.testing.assert_array_equal(details[1], resized(first, size=(6, 5)))
    np.testing.assert_array_equal(details[2], resized(resized(first, size=(6, 5)), size=(9, 7)))


def test_a_derivative_reaches_every_octave():
    own = [jnp.zeros((2, 2, 1)), jnp.zeros((4, 4, 1))]
    slopes = jax.grad(lambda own: accumulated(own)[-1].sum())(own)
    np.testing.assert_allclose(slopes[0], 4.0)  # each pixel is in four
    np.testing.assert_allclose(slopes[1], 1.0)
