"""Normalisation against NumPy in float64, and the conventions of PyTorch and Flax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.batch_norm import COLLECTION, BatchNorm
from models.layers.normalize import FLAX, PYTORCH, batch_moments, layer_normalize, normalize, unbiased_variance
from train.statistics import moving_average

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
    unbiased_variance: Case(options={"count": 3}),
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


@pytest.mark.parametrize(
    ("axes", "groups", "over"),
    [(1, 1, (-1,)), (3, 1, (1, 2, 3, 4)), (1, 2, (-1,)), (3, 2, (1, 2, 4)), (3, 6, (1, 2, 4)), (4, 3, (0, 1, 2, 4))],
    ids=["tokens", "images", "tokens in groups", "group", "instance", "all"],
)
def test_layer_normalisation_is_numpys(float64, axes, groups, over):
    rng = np.random.default_rng(0)
    features, scale, bias = rng.normal(3.0, 2.0, (2, 4, 5, 6)), rng.normal(size=6), rng.normal(size=6)
    blocks = features.reshape(2, 4, 5, groups, -1)
    expected = (blocks - blocks.mean(over, keepdims=True)) / np.sqrt(blocks.var(over, keepdims=True) + 1e-3)
    found = layer_normalize(*map(jnp.asarray, (features, scale, bias)), axes=axes, groups=groups, epsilon=1e-3)
    np.testing.assert_allclose(found, expected.reshape(features.shape) * scale + bias, rtol=1e-10, atol=1e-12)


def test_layer_normalisation_is_stable_around_a_large_mean():
    """Mean 10⁴ and deviation 1: in float32 a difference of squares would leave no digit of the variance."""
    features = np.random.default_rng(0).normal(1e4, 1.0, (3, 512)).astype(np.float32)
    exact = features.astype(np.float64)
    expected = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    found = layer_normalize(jnp.asarray(features), jnp.ones(512), jnp.zeros(512))
    np.testing.assert_allclose(found, expected, atol=2e-3)  # the mean is rounded to 10⁴ · 2⁻²⁴, about 10⁻³


def test_axes_and_groups_that_do_not_fit_are_refused():
    for options in ({"axes": 3}, {"groups": 4}):
        with pytest.raises(ValueError, match=r"\(2, 6\) has no"):
            layer_normalize(jnp.ones((2, 6)), jnp.ones(6), jnp.zeros(6), **options)


@pytest.mark.parametrize(("convention", "mean", "variance"), [(PYTORCH, 0.1, 1.1), (FLAX, 0.01, 1.0)])
def test_running_statistics_after_one_batch_are_those_of_the_library(convention, mean, variance):
    """From mean 0 and variance 1, the batch [0, 2]."""
    layer, batch = BatchNorm(group=2, unbiased=convention.unbiased), jnp.asarray([[0.0], [2.0]])
    begun = layer.init(jax.random.key(0), batch, training=False)
    normalized, observed = layer.apply(begun, batch, training=True, mutable=[COLLECTION])
    moved = moving_average(COLLECTION, convention.decay)(begun, observed[COLLECTION])[COLLECTION]
    np.testing.assert_allclose([moved["mean"][0], moved["variance"][0]], [mean, variance], rtol=1e-6)
    np.testing.assert_allclose(normalized[:, 0], [-1.0, 1.0], rtol=1e-4)


def test_the_unbiased_variance_is_numpys_and_needs_two_values(float64):
    values = np.random.default_rng(0).normal(size=5)
    np.testing.assert_allclose(unbiased_variance(jnp.asarray(values.var()), count=5), values.var(ddof=1), rtol=1e-12)
    with pytest.raises(ValueError, match="at least 2 values, got 1"):
        unbiased_variance(jnp.ones(()), count=1)


def test_batch_normalisations_epsilon_is_added_to_the_variance():
    batch = jnp.asarray([[0.0], [2.0]])
    layer = BatchNorm(group=2, epsilon=3.0)
    normalized, _ = layer.apply(
        layer.init(jax.random.key(0), batch, training=False), batch, training=True, mutable=True
    )
    np.testing.assert_allclose(normalized[:, 0], [-0.5, 0.5], rtol=1e-6)
