import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from sklearn.metrics import average_precision_score, roc_auc_score

from losses.metrics.ranking import average_precision, roc_auc

CASES = {
    average_precision: Case(constant_almost_everywhere=True),
    roc_auc: Case(constant_almost_everywhere=True),
}
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_is_scikit_learns(ties, float64):
    normal, anomalous = RNG.normal(size=80), RNG.normal(size=30) + 0.7
    if ties:
        normal, anomalous = np.round(normal), np.round(anomalous)
    expected = roc_auc_score(np.repeat([0, 1], [80, 30]), np.concatenate([normal, anomalous]))
    np.testing.assert_allclose(roc_auc(jnp.asarray(normal), jnp.asarray(anomalous)), expected, rtol=1e-12)


def test_the_area_at_its_ends():
    scores = jnp.arange(5.0)
    assert roc_auc(scores, scores + 10) == 1
    assert roc_auc(scores + 10, scores) == 0
    assert roc_auc(scores, scores) == 0.5
    assert roc_auc(jnp.ones(3), jnp.ones(4)) == 0.5


@pytest.mark.parametrize("ties", [False, True])
def test_the_average_precision_is_scikit_learns(ties, float64):
    negative, positive = RNG.normal(size=80), RNG.normal(size=30) + 0.7
    if ties:
        negative, positive = np.round(negative), np.round(positive)
    scores = np.concatenate([negative, positive])
    expected = average_precision_score(np.repeat([0, 1], [80, 30]), scores)
    np.testing.assert_allclose(average_precision(jnp.asarray(negative), jnp.asarray(positive)), expected, rtol=1e-12)


def test_the_average_precision_at_its_ends():
    scores = jnp.arange(5.0)
    assert average_precision(scores, scores + 10) == 1
    assert average_precision(jnp.ones(6), jnp.ones(2)) == 0.25
