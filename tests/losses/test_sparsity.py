from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.stats import entropy

from losses.sparsity import contraction, kl_sparsity, l1_activity, l1_sparsity, l2_sparsity, sigmoid_contraction
from models.autoencoder import CodeHead

CASES = {
    contraction: Case(lambda rng: (jnp.tanh, rng.normal(size=3))),
    kl_sparsity: Case(lambda rng: (rng.uniform(0.1, 0.9, 3),), {"target": 0.2}),
    l1_sparsity: Case(options={"target": 0.2}),
    l2_sparsity: Case(options={"target": 0.2}),
}

MEANS = np.array([0.01, 0.05, 0.3, 0.9])


def test_kl_is_scipys_between_coins(float64):
    expected = sum(entropy([0.05, 0.95], [mean, 1 - mean]) for mean in MEANS)
    np.testing.assert_allclose(kl_sparsity(jnp.asarray(MEANS), target=0.05), expected, rtol=1e-12)


def test_the_distances_are_sums_of_differences(float64):
    assert float(l1_sparsity(jnp.asarray(MEANS), target=0.05)) == pytest.approx(0.04 + 0.0 + 0.25 + 0.85)
    assert float(l2_sparsity(jnp.asarray(MEANS), target=0.05)) == pytest.approx(0.04**2 + 0.25**2 + 0.85**2)
    assert float(l1_activity(jnp.array([-1.0, 2.0, 0.0]))) == 3.0


@pytest.mark.parametrize("distance", [kl_sparsity, l1_sparsity, l2_sparsity])
def test_the_target_is_the_minimum(distance, float64):
    at_target = distance(jnp.full(3, 0.2), target=0.2)
    assert float(at_target) == pytest.approx(0.0, abs=1e-15)
    for other in (0.1, 0.21, 0.6):
        assert distance(jnp.full(3, other), target=0.2) > at_target


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_units_that_never_or_always_fire_have_a_finite_divergence(mean):
    assert np.isfinite(kl_sparsity(jnp.full(2, mean), target=0.1))


def test_the_contraction_of_a_sigmoid_layer_is_autodiffs(float64):
    rng, layer = np.random.default_rng(0), CodeHead(5, "sigmoid")
    params = {"params": {"linear": {"kernel": rng.normal(size=(7, 5)), "bias": rng.normal(size=5)}}}

    @jax.jit
    @partial(jax.vmap, in_axes=(None, 0))
    def closed_and_by_autodiff(params, image):
        closed = sigmoid_contraction(layer.apply(params, image), params["params"]["linear"]["kernel"])
        return closed, contraction(lambda x: layer.apply(params, x), image)

    closed, by_autodiff = closed_and_by_autodiff(params, rng.normal(size=(4, 7)))
    np.testing.assert_allclose(closed, by_autodiff, rtol=1e-12)


def test_the_contraction_of_a_linear_map_is_its_norm_by_finite_differences(float64):
    matrix = np.random.default_rng(0).normal(size=(3, 6))
    image = jnp.ones((2, 3))
    found = contraction(lambda x: jnp.asarray(matrix) @ x.ravel(), image)
    np.testing.assert_allclose(found, np.sum(matrix**2), rtol=1e-12)

    def curved(x):
        return jnp.tanh(jnp.asarray(matrix) @ x.ravel())

    steps = 1e-5 * np.eye(6).reshape(6, 2, 3)
    slopes = [(curved(image + step) - curved(image - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(contraction(curved, image), np.sum(np.square(slopes)), rtol=1e-8)
