"""Upsampling against its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.resize import upsample_nearest


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_is_the_kronecker_product_with_a_block_of_ones(factor):
    image = normal(3, 4, 2)
    expected = np.kron(image, np.ones((factor, factor, 1), np.float32))
    np.testing.assert_array_equal(upsample_nearest(jnp.asarray(image), factor=factor), expected)


def test_is_jaxs_nearest_neighbour_resize_in_every_batch_axis():
    images = jnp.asarray(normal(2, 3, 4, 5, 2))
    np.testing.assert_array_equal(upsample_nearest(images), jax.image.resize(images, (2, 3, 8, 10, 2), "nearest"))


def test_gradient_sums_over_the_block(float64):
    cotangent = np.random.default_rng(1).normal(size=(6, 8, 1))
    (gradient,) = jax.vjp(upsample_nearest, jnp.zeros((3, 4, 1)))[1](jnp.asarray(cotangent))
    expected = cotangent.reshape(3, 2, 4, 2, 1).sum((1, 3))
    np.testing.assert_allclose(gradient, expected, rtol=1e-14, atol=1e-14)
