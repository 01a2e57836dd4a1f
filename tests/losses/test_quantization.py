"""The losses of vector quantisation by their values and by whom their gradients move; perplexity by known cases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from cases import Case, distribution

from losses.quantization import codebook_loss, codebook_perplexity, commitment_loss

CASES = {codebook_perplexity: Case(lambda rng: (distribution(rng),))}


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


def test_perplexity_counts_equally_likely_codes(float64):
    for used in (1, 3, 8):
        frequencies = jnp.zeros(8).at[:used].set(1 / used)
        np.testing.assert_allclose(codebook_perplexity(frequencies), used, rtol=1e-12)


def test_perplexity_is_scipys_entropy(float64):
    frequencies = np.random.default_rng(0).dirichlet(np.ones(20))
    expected = np.exp(scipy.stats.entropy(frequencies))
    np.testing.assert_allclose(codebook_perplexity(jnp.asarray(frequencies)), expected, rtol=1e-12)
