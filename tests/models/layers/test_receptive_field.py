"""The formula against the pixels whose change is seen."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.conv import convolve
from models.layers.receptive_field import receptive_field


@pytest.mark.parametrize(
    ("windows", "strides", "dilations"),
    [
        ((3,), (1,), (1,)),
        ((3, 3, 3), (1, 1, 1), (1, 2, 4)),
        ((5, 2, 3), (2, 3, 1), (1, 1, 2)),
        ((1, 4), (2, 1), (1, 1)),
    ],
)
def test_it_counts_the_pixels_that_a_unit_depends_on(windows, strides, dilations):
    def unit(image):
        for window, stride, dilation in zip(windows, strides, dilations, strict=True):
            image = convolve(image, jnp.ones((window, 1, 1)), stride=stride, dilation=dilation)
        return image[0, 0, 0]

    seen = np.flatnonzero(jax.jit(jax.grad(unit))(jnp.ones((1, 60, 1))))
    assert receptive_field(windows, strides=strides, dilations=dilations) == seen[-1] - seen[0] + 1


def test_three_windows_of_3_see_what_one_of_7_does_and_doubled_dilations_15():
    """Simonyan & Zisserman 2015, section 2.3; Yu & Koltun 2016, figure 1."""
    assert receptive_field([3, 3, 3]) == receptive_field([7]) == 7
    assert receptive_field([3, 3, 3], dilations=[1, 2, 4]) == 15


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="2 windows need as many"):
        receptive_field([3, 3], strides=[1])
