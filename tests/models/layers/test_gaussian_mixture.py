import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.integrate import quad
from scipy.stats import norm

from models.layers.gaussian_mixture import best_noise, draw_mixture, mixture_log_density

MIXTURE = (np.array([0.3, 0.7]), np.array([-1.0, 0.5]), np.array([0.4, 0.2]))
CASES = {
    best_noise: Case(lambda rng: (np.asarray(rng.normal()), np.float32(0.4), *MIXTURE)),
    draw_mixture: Case(lambda rng: (jax.random.key(rng.integers(99)), *MIXTURE)),
    mixture_log_density: Case(lambda rng: (np.asarray(rng.normal()), *MIXTURE)),
}


def test_the_density_is_scipys(float64):
    mixture = tuple(map(jnp.asarray, MIXTURE))
    for point in (-3.0, -0.9, 0.1, 2.0):
        expected = sum(w * norm.pdf(point, m, s) for w, m, s in zip(*MIXTURE, strict=True))
        np.testing.assert_allclose(jnp.exp(mixture_log_density(jnp.float64(point), *mixture)), expected, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0.02, 0.5, 0.98])
def test_the_best_noise_is_its_mean_given_what_is_seen(ratio, float64):
    """By quadrature over the noise: each ε has one x_0 that makes x_t of it."""
    mixture = tuple(map(jnp.asarray, MIXTURE))

    def joint(noise, noisy):
        clean = (noisy - np.sqrt(1 - ratio) * noise) / np.sqrt(ratio)
        return norm.pdf(noise) * sum(w * norm.pdf(clean, m, s) for w, m, s in zip(*MIXTURE, strict=True))

    for noisy in (-1.5, 0.2):
        total = quad(lambda noise: joint(noise, noisy), -12, 12, limit=400, points=[-2, 0, 2])[0]
        mean = quad(lambda noise: noise * joint(noise, noisy), -12, 12, limit=400, points=[-2, 0, 2])[0] / total
        found = best_noise(jnp.float64(noisy), jnp.float64(ratio), *mixture)
        np.testing.assert_allclose(found, mean, rtol=1e-6)


def test_it_is_the_slope_of_the_noisy_density(float64):
    weights, means, deviations = map(jnp.asarray, MIXTURE)
    ratio = jnp.float64(0.3)
    of_noisy = weights, jnp.sqrt(ratio) * means, jnp.sqrt(ratio * deviations**2 + 1 - ratio)
    slope = jax.grad(mixture_log_density)(jnp.float64(0.4), *of_noisy)
    found = best_noise(jnp.float64(0.4), ratio, weights, means, deviations)
    np.testing.assert_allclose(found, -jnp.sqrt(1 - ratio) * slope, rtol=1e-12)


def test_draws_have_the_mixtures_moments(float64):
    mixture = tuple(map(jnp.asarray, MIXTURE))
    draws = jax.vmap(lambda key: draw_mixture(key, *mixture))(jax.random.split(jax.random.key(0), 100_000))
    weights, means, deviations = MIXTURE
    mean = weights @ means
    assert float(draws.mean()) == pytest.approx(mean, abs=0.01)
    assert float(draws.var()) == pytest.approx(weights @ (deviations**2 + means**2) - mean**2, rel=0.02)
