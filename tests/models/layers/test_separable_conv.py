"""A separable convolution is the full one whose kernel is a product."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.conv import convolve
from models.layers.cost import depthwise_separable_cost
from models.layers.separable_conv import convolve_separable

CASES = {
    convolve_separable: Case(
        lambda rng: (rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(3, 2, 1, 6)), rng.normal(size=(6, 4)))
    ),
}


def normal(*shape):
    return jnp.asarray(np.random.default_rng(shape).normal(size=shape))


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": "SAME", "dilation": (1, 2)}])
def test_it_is_the_convolution_with_the_product_of_the_kernels(float64, multiplier, options):
    """w[k, c, o] = Σ_m d[k, (c, m)] p[(c, m), o]"""
    images, depthwise, pointwise = normal(2, 7, 6, 3), normal(3, 2, 1, 3 * multiplier), normal(3 * multiplier, 4)
    kernel = np.einsum(
        "klcm,cmo->klco", np.reshape(depthwise, (3, 2, 3, multiplier)), np.reshape(pointwise, (3, multiplier, 4))
    )

    @jax.jit
    def both(images, depthwise, pointwise, kernel):
        return convolve_separable(images, depthwise, pointwise, **options), convolve(images, kernel, **options)

    separable, full = both(images, depthwise, pointwise, jnp.asarray(kernel))
    np.testing.assert_allclose(separable, full, rtol=1e-10, atol=1e-12)


def test_its_parameters_are_those_of_the_formula():
    depthwise, pointwise = normal(3, 3, 1, 8), normal(8, 16)
    assert depthwise.size + pointwise.size == depthwise_separable_cost((3, 3), 8, 16, positions=(1, 1)).parameters


def test_a_window_for_some_of_the_channels_is_refused():
    with pytest.raises(ValueError, match=r"images \(1, 4, 4, 3\) and kernel \(2, 2, 1, 2\) do not fit with groups=3"):
        convolve_separable(normal(1, 4, 4, 3), normal(2, 2, 1, 2), normal(2, 4))
