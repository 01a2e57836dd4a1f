"""Power iteration against NumPy's singular values."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case

from models.layers.spectral import spectral_norm, top_right_vector

CASES = {
    spectral_norm: Case(lambda rng: (rng.normal(size=(3, 2, 5)), rng.normal(size=5))),
    top_right_vector: Case(lambda rng: (rng.normal(size=(3, 2, 5)),)),
}
KERNEL = np.random.default_rng(0).normal(size=(3, 3, 4, 20))
SINGULAR = np.linalg.svd(KERNEL.reshape(-1, 20), compute_uv=False)


def test_it_is_exact_from_the_top_vector_on(float64):
    kernel = jnp.asarray(KERNEL)
    found = spectral_norm(kernel, top_right_vector(kernel))
    np.testing.assert_allclose(found.value, SINGULAR[0], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found.right), 1, rtol=1e-12)


def test_from_any_vector_it_rises_to_the_largest_singular_value(float64):
    kernel, right = jnp.asarray(KERNEL), jax.random.normal(jax.random.key(0), (20,))
    values = []
    for _ in range(300):
        value, right = spectral_norm(kernel, right)
        values.append(float(value))
    assert values[0] < 0.9 * SINGULAR[0]
    assert np.all(np.diff(values) > -1e-12)
    np.testing.assert_allclose(values[-1], SINGULAR[0], rtol=1e-9)
    at_once = jax.jit(lambda w, v: spectral_norm(w, v, iterations=300).value)
    np.testing.assert_allclose(at_once(kernel, jax.random.normal(jax.random.key(0), (20,))), values[-1], rtol=1e-12)


def test_its_gradient_is_that_of_the_singular_value(float64):
    """By differentiating the singular value decomposition itself."""
    kernel = jnp.asarray(KERNEL[0, 0])
    right = top_right_vector(kernel)
    found = jax.grad(lambda w: spectral_norm(w, right).value)(kernel)
    expected = jax.grad(lambda w: jnp.linalg.svd(w, compute_uv=False)[0])(kernel)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_kernel_of_zeros_has_none():
    assert spectral_norm(jnp.zeros((3, 2)), jnp.ones(2)).value == 0
