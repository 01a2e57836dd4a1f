"""What is seen of several examples, by loops over them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.minibatch import grouped, minibatch_closeness, minibatch_deviation, pack, spread

CASES = {
    grouped: Case(lambda rng: (rng.normal(size=(6, 2)),), options={"group": 3}),
    minibatch_deviation: Case(lambda rng: (rng.normal(size=(6, 2, 2)),), options={"group": 3}),
    minibatch_closeness: Case(lambda rng: (rng.normal(size=(6, 4)), rng.normal(size=(4, 3, 2))), options={"group": 3}),
    pack: Case(lambda rng: (rng.normal(size=(6, 2, 2, 3)),), options={"size": 2}),
    spread: Case(options={"size": 2}),
}
RNG = np.random.default_rng(0)


def test_the_deviation_is_numpys_mean_deviation_of_a_group():
    features = RNG.normal(size=(8, 3, 5)).astype(np.float32)
    found = minibatch_deviation(jnp.asarray(features), group=4)
    expected = [features[first : first + 4].std(axis=0).mean() for first in (0, 4)]
    np.testing.assert_allclose(found[:, 0], np.repeat(expected, 4), rtol=1e-5)
    np.testing.assert_allclose(minibatch_deviation(jnp.ones((4, 3)), group=2), 1e-4, rtol=1e-5)


def test_closeness_is_a_sum_over_the_others_of_the_group(float64):
    features, tensor = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 3, 2))
    found = minibatch_closeness(jnp.asarray(features), jnp.asarray(tensor), group=3)
    projected = np.einsum("ni,ikd->nkd", features, tensor)
    for n in range(6):
        others = [m for m in range(6) if m // 3 == n // 3 and m != n]
        expected = sum(np.exp(-np.abs(projected[n] - projected[m]).sum(axis=1)) for m in others)
        np.testing.assert_allclose(found[n], expected, rtol=1e-12)
    np.testing.assert_allclose(minibatch_closeness(jnp.ones((4, 4)), jnp.asarray(tensor), group=4), 3)


def test_a_pack_holds_its_examples_side_by_side():
    points = jnp.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(pack(points, size=3), points.reshape(2, 6))
    images = jnp.asarray(RNG.normal(size=(4, 5, 6, 3)))
    packed = pack(images, size=2)
    assert packed.shape == (2, 5, 6, 6)
    np.testing.assert_array_equal(packed[1], jnp.concatenate([images[2], images[3]], axis=-1))
    np.testing.assert_array_equal(pack(images, size=1), images)
    np.testing.assert_array_equal(spread(jnp.array([1.0, 2.0]), size=2), [1, 1, 2, 2])


@pytest.mark.parametrize("see", [
    lambda x: pack(x, size=4),
    lambda x: minibatch_deviation(x, group=4),
    lambda x: minibatch_closeness(x, jnp.ones((2, 1, 1)), group=4),
])  # fmt: skip
def test_a_batch_that_is_no_multiple_is_refused(see):
    with pytest.raises(ValueError, match="6 examples cannot be taken in groups of 4"):
        jax.eval_shape(see, jnp.ones((6, 2)))
