"""The blur against SciPy's, and what it keeps."""

import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy import ndimage

from models.layers.blur import blur_matrix, gaussian_blur, gaussian_window

CASES = {gaussian_blur: Case(options={"deviation": 0.8})}
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("deviation", [0.0, 0.3, 0.8, 2.5])
@pytest.mark.parametrize("shape", [(9, 7, 2), (3, 4, 5, 1), (1, 12, 1)])
def test_is_scipys(float64, deviation, shape):
    """Also where the window is larger than the image, which is then reflected more than once."""
    images = RNG.normal(size=shape)
    deviations = (*[0] * (len(shape) - 3), deviation, deviation, 0)
    expected = ndimage.gaussian_filter(images, deviations) if deviation else images
    np.testing.assert_allclose(gaussian_blur(jnp.asarray(images), deviation=deviation), expected, atol=1e-12)


def test_weights_are_those_of_a_gaussian():
    window = gaussian_window(1.5)
    assert len(window) == 13
    np.testing.assert_allclose(window.sum(), 1.0)
    np.testing.assert_allclose(window[6:] / window[6], np.exp(-(np.arange(7) ** 2) / 4.5))


def test_mean_and_even_images_are_kept_and_no_value_leaves_the_range(float64):
    image = RNG.uniform(size=(6, 5, 3))
    blurred = np.asarray(gaussian_blur(jnp.asarray(image), deviation=1.2))
    np.testing.assert_allclose(blurred.mean(axis=(0, 1)), image.mean(axis=(0, 1)), rtol=1e-12)
    assert image.min() <= blurred.min() <= blurred.max() <= image.max()
    np.testing.assert_allclose(gaussian_blur(jnp.full((4, 4, 1), 0.3), deviation=2.0), 0.3, rtol=1e-12)


def test_the_matrix_is_its_own_transpose():
    """So the gradient of a blurred image is a blurred gradient."""
    matrix = blur_matrix(7, 1.3)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-15)


def test_a_negative_deviation_is_refused():
    with pytest.raises(ValueError, match="at least 0, got -1"):
        gaussian_window(-1.0)
