import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.pixels import with_pixels

CASES = {with_pixels: Case(lambda rng: (rng.uniform(size=(4, 5, 3)), rng.uniform(size=(2, 5))))}


def test_pixels_are_painted_one_after_the_other():
    rng = np.random.default_rng(0)
    image, pixels = rng.uniform(size=(5, 7, 3)), rng.uniform(size=(6, 5))
    pixels[0, :2], pixels[4, :2], pixels[5, :2] = (1.0, 1.0), pixels[2, :2], (0.0, 0.0)
    expected = image.copy()
    for row, column, *colour in pixels:
        expected[min(int(row * 5), 4), min(int(column * 7), 6)] = colour
    np.testing.assert_allclose(with_pixels(jnp.asarray(image), jnp.asarray(pixels)), expected, rtol=1e-6)


def test_a_pixel_of_another_number_of_colours_is_refused():
    with pytest.raises(ValueError, match="told by 3 numbers, got 5"):
        with_pixels(jnp.zeros((4, 4, 1)), jnp.zeros((1, 5)))
