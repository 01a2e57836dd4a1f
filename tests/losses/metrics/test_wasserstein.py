import jax.numpy as jnp
import numpy as np
from scipy.stats import wasserstein_distance

from losses.metrics.wasserstein import wasserstein_on_line


def test_it_is_scipys(float64):
    one, other = np.random.default_rng(0).normal(size=(2, 40))
    found = wasserstein_on_line(jnp.asarray(one), jnp.asarray(2 * other + 1))
    np.testing.assert_allclose(found, wasserstein_distance(one, 2 * other + 1), rtol=1e-12)


def test_a_moved_set_is_as_far_as_it_was_moved():
    points = jnp.array([3.0, -1.0, 0.5])
    assert wasserstein_on_line(points, points[::-1] - 2) == 2
