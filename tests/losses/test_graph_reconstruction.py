import jax.numpy as jnp
import numpy as np
import optax
from cases import Case

from losses.graph_reconstruction import all_pairs_cross_entropy

JOINED = np.array([[0, 0], [0, 2], [2, 0], [3, 3]])
CASES = {all_pairs_cross_entropy: Case(lambda rng: (rng.normal(size=(4, 3)), JOINED), {"weight": 5.0})}


def test_it_is_the_mean_over_the_dense_matrix(float64):
    codes = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)))
    labels = jnp.zeros((4, 4)).at[JOINED[:, 0], JOINED[:, 1]].set(1.0)
    costs = optax.losses.sigmoid_binary_cross_entropy(codes @ codes.T, labels) * jnp.where(labels == 1, 5.0, 1.0)
    found = all_pairs_cross_entropy(codes, jnp.asarray(JOINED), weight=5.0)
    np.testing.assert_allclose(found, costs.mean(), rtol=1e-12)
