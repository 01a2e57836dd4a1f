import jax.numpy as jnp
import numpy as np
from cases import Case
from scipy.ndimage import distance_transform_edt

from models.layers.distance import squared_distances

CASES = {squared_distances: Case(lambda rng: (rng.random((5, 7)) < 0.2,))}


def test_it_is_scipys_exact_transform(float64):
    rng = np.random.default_rng(0)
    for share in (0.02, 0.1, 0.5):
        mask = rng.random((11, 17)) < share
        mask[3, 4] = True
        np.testing.assert_allclose(
            np.sqrt(squared_distances(jnp.asarray(mask))), distance_transform_edt(~mask), rtol=1e-12
        )


def test_nothing_is_infinitely_far():
    assert np.isinf(squared_distances(jnp.zeros((3, 4), bool))).all()
