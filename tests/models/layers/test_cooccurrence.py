from collections import Counter

import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.cooccurrence import cooccurrences, factorize, positive_pointwise_mutual_information

PAIRS = (np.array([0, 2, 1, 2]), np.array([1, 0, 1, 0]))
CASES = {
    cooccurrences: Case(lambda rng: PAIRS, {"vocabulary": 3}),
    factorize: Case(lambda rng: (rng.normal(size=(4, 3)),), {"size": 2}),
    positive_pointwise_mutual_information: Case(lambda rng: (rng.uniform(1, 5, size=(3, 4)),)),
}


def test_pairs_are_counted():
    rng = np.random.default_rng(0)
    words, neighbours = rng.integers(0, 5, (2, 200))
    counts = cooccurrences(jnp.asarray(words), jnp.asarray(neighbours), vocabulary=5)
    expected = Counter(zip(words.tolist(), neighbours.tolist(), strict=True))
    assert all(counts[pair] == count for pair, count in expected.items())
    assert counts.sum() == 200


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_mutual_information_is_log_of_observed_over_expected(shift, float64):
    counts = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 2.0]])
    total = counts.sum()
    found = positive_pointwise_mutual_information(jnp.asarray(counts), shift=shift)
    for i in range(2):
        for j in range(3):
            chance = counts[i].sum() * counts[:, j].sum() / total
            expected = max(np.log(counts[i, j] / chance) - shift, 0) if counts[i, j] else 0.0
            assert float(found[i, j]) == pytest.approx(expected, abs=1e-12)


def test_independent_words_tell_nothing(float64):
    counts = jnp.outer(jnp.array([1.0, 2.0, 5.0]), jnp.array([3.0, 4.0]))
    np.testing.assert_allclose(positive_pointwise_mutual_information(counts), 0, atol=1e-12)


def test_products_of_all_vectors_are_those_of_the_nearest_matrix(float64):
    """M Mᵀ of the nearest matrix of rank d by NumPy: U Σ² Uᵀ, which vectors U √Σ give as V (VᵀV) Vᵀ."""
    matrix = np.random.default_rng(0).normal(size=(5, 4))
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    nearest = left[:, :2] * singular[:2] @ right[:2]
    vectors = np.asarray(factorize(jnp.asarray(matrix), size=2))
    np.testing.assert_allclose(vectors @ (vectors.T @ vectors) @ vectors.T, nearest @ nearest.T, atol=1e-12)
    with pytest.raises(ValueError, match=r"size 5 from a matrix \(5, 4\): at most 4"):
        factorize(jnp.asarray(matrix), size=5)
