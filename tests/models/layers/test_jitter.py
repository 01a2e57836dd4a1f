"""A roll is NumPy's, its inverse undoes it, and its transpose is its inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy import stats

from models.layers.jitter import random_shift, rolled

CASES = {
    random_shift: Case(options={"most": 3}),
    rolled: Case(lambda rng: (rng.normal(size=(4, 5, 2)), np.array([1, -2]))),
}
RNG = np.random.default_rng(0)
SHIFTS = [(0, 0), (1, -2), (-3, 7), (5, 4)]


@pytest.mark.parametrize("shift", SHIFTS)
def test_is_numpys_roll_of_every_image(shift):
    images = RNG.normal(size=(3, 5, 4, 2)).astype(np.float32)
    found = jax.jit(rolled)(jnp.asarray(images), jnp.asarray(shift, jnp.int32))
    np.testing.assert_array_equal(found, np.roll(images, shift, axis=(1, 2)))


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_opposite_shift_undoes_it_and_is_its_transpose(float64, shift):
    image, other = jnp.asarray(RNG.normal(size=(2, 5, 4, 2)))
    there, back = jnp.asarray(shift), -jnp.asarray(shift)
    np.testing.assert_array_equal(rolled(rolled(image, there), back), image)
    (transposed,) = jax.vjp(lambda x: rolled(x, there), image)[1](other)
    np.testing.assert_array_equal(transposed, rolled(other, back))


def test_shifts_are_equally_likely():
    drawn = np.asarray(jax.vmap(lambda key: random_shift(key, most=2))(jax.random.split(jax.random.key(0), 5000)))
    assert (drawn.min(), drawn.max()) == (-2, 2)
    counts = np.bincount(5 * (drawn[:, 0] + 2) + drawn[:, 1] + 2, minlength=25)
    assert stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_array_equal(random_shift(jax.random.key(0), most=0), [0, 0])


def test_a_negative_number_of_pixels_is_refused():
    with pytest.raises(ValueError, match="not by -1"):
        random_shift(jax.random.key(0), most=-1)
