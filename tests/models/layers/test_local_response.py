"""Local response normalisation against its sum, written out."""

import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.local_response import local_response_normalization


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_it_is_the_sum_over_neighbours(size):
    features = np.random.default_rng(0).normal(scale=20, size=(2, 3, 7))
    expected = np.empty_like(features)
    for channel in range(7):
        near = features[..., max(0, channel - size // 2) : channel + size // 2 + 1]
        expected[..., channel] = features[..., channel] / (2 + 1e-2 * (near**2).sum(axis=-1)) ** 0.75
    found = local_response_normalization(jnp.asarray(features), size=size, alpha=1e-2)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_an_even_size_is_refused():
    with pytest.raises(ValueError, match="size must be odd, got 4"):
        local_response_normalization(jnp.ones((2, 8)), size=4)
