import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.diffusion import diffuse, estimate, guide, prediction_target

KINDS = ["noise", "clean", "velocity"]


def pair(rng):
    return rng.normal(size=3), rng.normal(size=3), np.float32(0.4)


CASES = {
    diffuse: Case(pair),
    estimate: Case(pair, {"predicted": "velocity"}),
    guide: Case(lambda rng: pair(rng)[:2], {"guidance": 2.0}),
    prediction_target: Case(pair, {"predicted": "velocity"}),
}


def test_noise_is_injected_with_its_variance(float64):
    keys = jax.random.split(jax.random.key(0), 2)
    clean, noise = (jax.random.normal(key, (100_000,), jnp.float64) for key in keys)
    noisy = diffuse(3 + 2 * clean, noise, jnp.float64(0.3))
    assert float(noisy.mean()) == pytest.approx(3 * np.sqrt(0.3), abs=0.02)
    assert float(noisy.var()) == pytest.approx(0.3 * 4 + 0.7, rel=0.02)


@pytest.mark.parametrize("predicted", KINDS)
@pytest.mark.parametrize("ratio", [0.001, 0.5, 0.999])
def test_who_says_the_target_finds_example_and_noise(predicted, ratio, float64):
    rng = np.random.default_rng(0)
    clean, noise, ratio = jnp.asarray(rng.normal(size=5)), jnp.asarray(rng.normal(size=5)), jnp.float64(ratio)
    said = prediction_target(clean, noise, ratio, predicted=predicted)
    found = estimate(diffuse(clean, noise, ratio), said, ratio, predicted=predicted)
    np.testing.assert_allclose(found.clean, clean, atol=1e-11)
    np.testing.assert_allclose(found.noise, noise, atol=1e-11)


@pytest.mark.parametrize("predicted", KINDS)
def test_a_bounded_example_and_its_noise_are_still_what_is_seen(predicted, float64):
    rng = np.random.default_rng(0)
    noisy, said, ratio = jnp.asarray(3 * rng.normal(size=50)), jnp.asarray(rng.normal(size=50)), jnp.float64(0.3)
    found = estimate(noisy, said, ratio, predicted=predicted, bound=1.0)
    free = estimate(noisy, said, ratio, predicted=predicted)
    np.testing.assert_allclose(found.clean, np.clip(free.clean, -1, 1), atol=1e-12)
    assert (np.abs(free.clean) > 1).any()
    np.testing.assert_allclose(diffuse(found.clean, found.noise, ratio), noisy, atol=1e-12)


def test_velocity_is_the_motion_along_the_quarter_turn(float64):
    """d x/dφ of x = cos φ x_0 + sin φ ε."""
    clean, noise = jnp.float64(0.7), jnp.float64(-1.2)
    angle = jnp.float64(0.4)
    slope = jax.grad(lambda angle: diffuse(clean, noise, jnp.cos(angle) ** 2))(angle)
    found = prediction_target(clean, noise, jnp.cos(angle) ** 2, predicted="velocity")
    np.testing.assert_allclose(found, slope, rtol=1e-12)


def test_guidance_scales_the_difference_that_a_label_makes():
    with_label, without = jnp.array([1.0, 2.0]), jnp.array([0.5, 3.0])
    np.testing.assert_allclose(guide(with_label, without, guidance=0.0), with_label)
    np.testing.assert_allclose(guide(with_label, without, guidance=-1.0), without)
    np.testing.assert_allclose(guide(with_label, without, guidance=2.0), without + 3 * (with_label - without))
