"""Enlarged maps beside lines between neighbours, and beside the resizing of JAX and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.ndimage import zoom

from models.layers.bilinear import bilinear_kernel, bilinear_window
from models.layers.transposed_conv import convolve_transposed

CASES = {
    bilinear_kernel: Case(lambda rng: (jax.random.key(0), (4, 4, 2, 2))),
}


def enlarged(maps, factor):
    size, margin = 2 * factor - factor % 2, (factor - factor % 2) // 2
    channels = maps.shape[-1]
    kernel = bilinear_kernel(None, (size, size, channels, channels), maps.dtype)
    return np.asarray(convolve_transposed(maps, kernel, stride=factor, padding=((margin, margin),) * 2))


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_it_is_bilinear_between_the_middles_of_the_border(float64, factor):
    maps = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 4, 3)))
    found = enlarged(maps, factor)
    size = (2, 5 * factor, 4 * factor, 3) if factor % 2 == 0 else found.shape
    assert found.shape == size
    # of an odd factor the window is 2f − 1, and f − 1 positions behind the last are those of no map
    margin = (factor - factor % 2) // 2
    inside = slice(margin, margin + 4 * factor - factor + 1), slice(margin, margin + 3 * factor - factor + 1)
    scaled = [zoom(np.asarray(each), (factor, factor, 1), order=1, grid_mode=True, mode="nearest") for each in maps]
    resized = jax.image.resize(maps, (2, 5 * factor, 4 * factor, 3), "linear")
    np.testing.assert_allclose(found[:, *inside], np.stack(scaled)[:, *inside], atol=1e-12)
    np.testing.assert_allclose(found[:, *inside], resized[:, *inside], atol=1e-12)


def test_along_an_axis_it_is_the_line_between_two_neighbours(float64):
    maps = jnp.asarray([3.0, 5.0])[None, :, None, None]
    row = enlarged(jnp.broadcast_to(maps, (1, 2, 2, 1)), 4)[0, :, 4, 0]
    np.testing.assert_allclose(row[2:6], [3.25, 3.75, 4.25, 4.75])


def test_other_windows_are_refused():
    with pytest.raises(ValueError, match="3 × 4"):
        bilinear_kernel(None, (3, 4, 1, 1))
    with pytest.raises(ValueError, match="at least 1"):
        bilinear_window(0)
