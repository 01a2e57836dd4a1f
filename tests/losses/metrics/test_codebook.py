import jax.numpy as jnp
import numpy as np
import scipy.stats
from cases import Case, distribution

from losses.metrics.codebook import codebook_perplexity

CASES = {codebook_perplexity: Case(lambda rng: (distribution(rng),))}


def test_perplexity_counts_equally_likely_codes(float64):
    for used in (1, 3, 8):
        frequencies = jnp.zeros(8).at[:used].set(1 / used)
        np.testing.assert_allclose(codebook_perplexity(frequencies), used, rtol=1e-12)


def test_perplexity_is_scipys_entropy(float64):
    frequencies = np.random.default_rng(0).dirichlet(np.ones(20))
    expected = np.exp(scipy.stats.entropy(frequencies))
    np.testing.assert_allclose(codebook_perplexity(jnp.asarray(frequencies)), expected, rtol=1e-12)
