"""Total variation against loops, its derivative against finite differences, and images of which it is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from losses.metrics.image_quality import gradient_energy
from losses.total_variation import total_variation

RNG = np.random.default_rng(0)
POWERS = [1.0, 1.5, 2.0, 3.0]


def by_loops(image, power):
    height, width, channels = image.shape
    total = 0.0
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                here = image[row, column, channel]
                below = image[row + 1, column, channel] - here if row + 1 < height else 0.0
                beside = image[row, column + 1, channel] - here if column + 1 < width else 0.0
                total += np.hypot(below, beside) ** power
    return total


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("shape", [(4, 5, 2), (1, 3, 1), (3, 1, 2), (1, 1, 1)])
def test_is_what_loops_find(float64, power, shape):
    image = RNG.normal(size=shape)
    np.testing.assert_allclose(total_variation(jnp.asarray(image), power=power), by_loops(image, power), rtol=1e-12)


@pytest.mark.parametrize("power", POWERS)
def test_derivative_is_that_of_finite_differences(float64, power):
    image, step = RNG.normal(size=(4, 3, 2)), 1e-6
    slopes = np.zeros_like(image)
    for place in np.ndindex(image.shape):
        moved = np.zeros_like(image)
        moved[place] = step
        slopes[place] = (by_loops(image + moved, power) - by_loops(image - moved, power)) / (2 * step)
    found = jax.grad(lambda x: total_variation(x, power=power))(jnp.asarray(image))
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-7)


def test_of_a_rectangle_it_is_its_height_and_width_and_a_corner(float64):
    """Rows 2 to 4 and columns 1 to 5 are 1. The lengths are 1 along the edges, and √2 where both differences are not 0:
    at the last pixel of the rectangle.
    """
    image = np.zeros((8, 9, 1))
    image[2:5, 1:6] = 1.0
    expected = 2 * 3 + 2 * 5 - 2 + np.sqrt(2)
    np.testing.assert_allclose(total_variation(jnp.asarray(image), power=1.0), expected, rtol=1e-12)


def test_with_power_1_a_ramp_costs_what_a_step_costs_and_with_power_2_less(float64):
    step, ramp = (jnp.asarray(np.tile(row, (3, 1))[..., None]) for row in ([0.0, 0, 1, 1], [0.0, 1 / 3, 2 / 3, 1]))
    np.testing.assert_allclose(total_variation(step, power=1.0), total_variation(ramp, power=1.0), rtol=1e-12)
    np.testing.assert_allclose(total_variation(ramp) / total_variation(step), 1 / 3, rtol=1e-12)


def test_with_power_2_it_is_the_energy_of_the_gradient(float64):
    image = jnp.asarray(RNG.normal(size=(5, 4, 3)))
    np.testing.assert_allclose(total_variation(image), gradient_energy(image), rtol=1e-12)


@pytest.mark.parametrize("power", POWERS)
def test_of_an_even_image_it_is_0_with_derivative_0(power):
    value, slope = jax.value_and_grad(lambda x: total_variation(x, power=power))(jnp.full((3, 4, 2), 0.5))
    assert value == 0
    np.testing.assert_array_equal(slope, np.zeros((3, 4, 2)))


def test_a_power_below_1_is_refused():
    with pytest.raises(ValueError, match=r"at least 1, not 0.5"):
        total_variation(jnp.zeros((2, 2, 1)), power=0.5)
