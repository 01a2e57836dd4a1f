"""Both terms by NumPy; an invertible layer gives its image back, another the nearest to what it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from losses.feature_inversion import power_norm, relative_squared_error

RNG = np.random.default_rng(0)


def test_the_error_is_a_share_of_the_targets_squared_length(float64):
    features, target = RNG.normal(size=(2, 3, 4, 2))
    expected = np.linalg.norm(features - target) ** 2 / np.linalg.norm(target) ** 2
    np.testing.assert_allclose(relative_squared_error(jnp.asarray(features), jnp.asarray(target)), expected, rtol=1e-12)
    assert relative_squared_error(jnp.asarray(target), jnp.asarray(target)) == 0
    np.testing.assert_allclose(relative_squared_error(jnp.zeros(3), jnp.asarray([1.0, 2.0, 2.0])), 1.0)
    np.testing.assert_allclose(relative_squared_error(jnp.full(3, 2.0), jnp.zeros(3)), 12.0)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 6.0])
def test_the_norm_is_numpys_to_its_power_and_flat_at_0(float64, power):
    image = RNG.normal(size=(3, 4, 2))
    expected = np.linalg.norm(image.ravel(), power) ** power
    np.testing.assert_allclose(power_norm(jnp.asarray(image), power=power), expected, rtol=1e-12)
    np.testing.assert_array_equal(jax.grad(lambda x: power_norm(x, power=power))(jnp.zeros(5)), np.zeros(5))


def test_a_power_below_1_is_refused():
    with pytest.raises(ValueError, match=r"at least 1, not 0.5"):
        power_norm(jnp.zeros(3), power=0.5)


def descended(objective, start, steps=20_000):
    """By steps of the inverse of the largest curvature of a quadratic objective."""
    rate = 1 / jnp.linalg.eigvalsh(jax.hessian(objective)(start)).max()

    def step(image, _):
        return image - rate * jax.grad(objective)(image), None

    return jax.jit(lambda x: jax.lax.scan(step, x, length=steps)[0])(start)


def test_an_invertible_linear_layer_gives_its_image_back(float64):
    image, layer = jnp.asarray(RNG.uniform(size=6)), jnp.asarray(np.eye(6) + 0.2 * RNG.normal(size=(6, 6)))
    found = descended(lambda x: relative_squared_error(layer @ x, layer @ image), jnp.asarray(RNG.uniform(size=6)))
    np.testing.assert_allclose(found, image, atol=1e-6)


def test_with_the_squared_norm_it_is_ridge_regression(float64):
    """Three features of six pixels:  (WᵀW + λ ‖φ₀‖² I)⁻¹ Wᵀ φ₀."""
    image, layer, weight = jnp.asarray(RNG.uniform(size=6)), jnp.asarray(RNG.normal(size=(3, 6))), 0.02
    target = layer @ image

    def objective(x):
        return relative_squared_error(layer @ x, target) + weight * power_norm(x, power=2.0)

    found = descended(objective, jnp.asarray(RNG.uniform(size=6)))
    expected = np.linalg.solve(layer.T @ layer + weight * np.sum(target**2) * np.eye(6), layer.T @ target)
    np.testing.assert_allclose(found, expected, atol=1e-6)
