import numpy as np
import pytest
from scipy.stats import norm

from experiments.datasets.generated_mixtures import MIXTURES, mixture_points, quantiles


@pytest.mark.parametrize("name", MIXTURES)
def test_points_and_quantiles_are_of_the_mixture(name):
    weights, means, deviations = MIXTURES[name]
    found = quantiles(name, 9)
    below = norm.cdf((found[:, None] - means) / deviations) @ weights
    np.testing.assert_allclose(below, (np.arange(9) + 0.5) / 9, atol=1e-5)
    points = np.sort(mixture_points(name, examples=20_000).splits["train"]["point"][:, 0])
    np.testing.assert_allclose(points[10_000], quantiles(name, 1)[0], atol=0.05)
    assert np.abs(points - quantiles(name, 20_000)).mean() < 0.02
