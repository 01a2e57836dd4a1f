import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from sklearn.metrics import roc_auc_score

from losses.metrics.ranking import roc_auc

CASES = {roc_auc: Case(constant_almost_everywhere=True)}
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
