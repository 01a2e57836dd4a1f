"""Tiles are the whole, for convolutions with and without pooling; their memory does not grow with the picture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.conv import convolve
from models.layers.pool import max_pool
from models.layers.tiles import mirrored, overlap_tiles


def middle_sums(tile):
    """3×3 sums without padding."""
    return convolve(tile[None], jnp.ones((3, 3, tile.shape[-1], 2), tile.dtype))[0]


def halved(tile):
    """Maxima of 2×2 and a 3×3 sum of these, enlarged again: of 12 pixels the 8 in the middle."""
    seen = middle_sums(max_pool(tile[None], window=2)[0])
    return jnp.repeat(jnp.repeat(seen, 2, axis=0), 2, axis=1)


CASES = {
    mirrored: Case(lambda rng: (np.arange(-4, 9),), options={"size": 5}),
    overlap_tiles: Case(
        lambda rng: (middle_sums, rng.normal(size=(5, 7, 2))), options={"side": 6, "inner": 4, "step": 3}
    ),
}


def test_mirrored_places_are_numpys():
    for size in (1, 2, 5):
        padded = np.pad(np.arange(size), 2 * (size - 1), mode="reflect")
        places = jnp.arange(-2 * (size - 1), size + 2 * (size - 1))
        np.testing.assert_array_equal(mirrored(places, size=size), padded)


@pytest.mark.parametrize("shape", [(8, 8, 2), (5, 19, 2), (23, 16, 2)])
@pytest.mark.parametrize("step", [1, 3, 4])
def test_tiles_of_a_convolution_are_the_whole(float64, shape, step):
    image = np.random.default_rng(0).normal(size=shape)
    whole = middle_sums(jnp.asarray(np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")))
    found = jax.jit(lambda image: overlap_tiles(middle_sums, image, side=6, inner=4, step=step))(jnp.asarray(image))
    np.testing.assert_allclose(found, whole, rtol=1e-12)


def test_with_pooling_tiles_are_the_whole_where_they_lie_on_its_grid(float64):
    image = np.random.default_rng(1).normal(size=(24, 32, 2))
    whole = np.asarray(halved(jnp.asarray(np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect"))))

    def tiled(step):
        return np.asarray(overlap_tiles(halved, jnp.asarray(image), side=12, inner=8, step=step))

    for step in (2, 4, 6, 8):
        np.testing.assert_allclose(tiled(step), whole, rtol=1e-12)
    assert np.abs(tiled(5) - whole).max() > 0.1


def test_memory_beside_picture_and_result_is_that_of_a_tile():
    def beside(size):
        image = jax.ShapeDtypeStruct((size, size, 2), jnp.float32)
        tiled = jax.jit(lambda image: overlap_tiles(middle_sums, image, side=34, inner=32, step=32))
        memory = tiled.lower(image).compile().memory_analysis()
        return memory.temp_size_in_bytes - memory.output_size_in_bytes  # a copy of the result as it is put in order

    assert beside(1024) < beside(256) + 100_000


def test_tiles_that_do_not_fit_are_refused():
    for side, inner, step in ((7, 4, 4), (4, 6, 4), (6, 4, 5), (6, 4, 0)):
        with pytest.raises(ValueError, match="side − inner is even"):
            overlap_tiles(middle_sums, jnp.zeros((8, 8, 1)), side=side, inner=inner, step=step)
