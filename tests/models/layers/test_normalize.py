import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.normalize import batch_moments, normalize

CASES = {
    batch_moments: Case(lambda rng: (rng.normal(size=(4, 2, 3)),), options={"group": 2}),
    normalize: Case(
        lambda rng: (
            rng.normal(size=(4, 2, 3)),
            rng.normal(size=(2, 3)),
            rng.uniform(0.5, 2.0, (2, 3)),
            *rng.normal(size=(2, 3)),
        )
    ),
}
FEATURES = np.random.default_rng(0).normal(3.0, 2.0, (6, 4, 5, 3))


def test_moments_are_those_of_each_group(float64):
    mean, variance = batch_moments(jnp.asarray(FEATURES), group=2)
    groups = FEATURES.reshape(3, 2, 4, 5, 3)
    np.testing.assert_allclose(mean, groups.mean(axis=(1, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(variance, groups.var(axis=(1, 2, 3)), rtol=1e-12)


def test_a_large_mean_costs_no_digits():
    """As float32 a difference of squares would be 0, 8 or 16."""
    features = jnp.asarray(np.random.default_rng(1).normal(1e4, 1.0, (1000, 1)), jnp.float32)
    np.testing.assert_allclose(
        batch_moments(features, group=1000)[1], np.var(np.asarray(features, np.float64)), rtol=1e-4
    )


def test_normalised_groups_have_the_moments_that_scale_and_bias_say(float64):
    features, scale, bias = jnp.asarray(FEATURES), jnp.asarray([1.0, 2.0, 0.5]), jnp.asarray([0.0, -1.0, 3.0])
    normalized = normalize(features, *batch_moments(features, group=3), scale, bias, epsilon=0.0)
    groups = np.asarray(normalized).reshape(2, 3, 4, 5, 3)
    np.testing.assert_allclose(groups.mean(axis=(1, 2, 3)), np.tile(bias, (2, 1)), atol=1e-12)
    np.testing.assert_allclose(groups.std(axis=(1, 2, 3)), np.tile(scale, (2, 1)), rtol=1e-12)


def test_an_example_is_normalised_by_its_own_group(float64):
    mean, variance = jnp.asarray([[1.0], [10.0]]), jnp.asarray([[4.0], [9.0]])
    features = jnp.asarray([[3.0], [5.0], [13.0], [7.0]])
    normalized = normalize(features, mean, variance, jnp.ones(1), jnp.zeros(1), epsilon=0.0)
    np.testing.assert_allclose(normalized[:, 0], [1.0, 2.0, 1.0, -1.0], rtol=1e-12)


def test_a_batch_that_is_no_multiple_of_the_group_is_refused():
    with pytest.raises(ValueError, match="6 examples cannot be normalised in groups of 4"):
        batch_moments(jnp.asarray(FEATURES), group=4)
