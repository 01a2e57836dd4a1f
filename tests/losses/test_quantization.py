"""The losses of vector quantisation by their values and by whom their gradients move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from losses.quantization import codebook_loss, commitment_loss


def pair():
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.normal(size=(6, 3))), jnp.asarray(rng.normal(size=(6, 3)))


@pytest.mark.parametrize("loss", [codebook_loss, commitment_loss])
def test_both_are_the_mean_squared_distance(float64, loss):
    vectors, codes = pair()
    expected = sum(np.linalg.norm(v - c) ** 2 for v, c in zip(vectors, codes, strict=True)) / 6
    np.testing.assert_allclose(loss(vectors, codes), expected, rtol=1e-12)


def test_one_moves_the_codes_and_the_other_the_vectors(float64):
    vectors, codes = pair()
    for loss, moved, still in ((codebook_loss, 1, 0), (commitment_loss, 0, 1)):
        gradients = jax.grad(loss, (0, 1))(vectors, codes)
        towards = (codes - vectors) if moved else (vectors - codes)
        np.testing.assert_allclose(gradients[moved], 2 * towards / 6, rtol=1e-12)
        np.testing.assert_array_equal(gradients[still], np.zeros((6, 3)))
