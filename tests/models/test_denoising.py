import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.denoising import denoise, spaced_steps
from models.layers.denoising_steps import STEPS
from models.layers.diffusion import Estimate

RATIOS = jnp.array([0.9, 0.5, 0.1])
CASES = {
    denoise: Case(
        lambda rng: (jax.random.key(0), rng.normal(size=3), np.array([0.9, 0.4, 0.1])),
        {"step": STEPS["ddpm"], "estimate": lambda noisy, ratio: Estimate(0.5 * noisy, noisy)},
    )
}


def test_steps_are_spread_from_end_to_end():
    np.testing.assert_array_equal(spaced_steps(1000, 4), [0, 333, 666, 999])
    np.testing.assert_array_equal(spaced_steps(5, 5), range(5))
    np.testing.assert_array_equal(spaced_steps(1000, 1), [999])
    assert (np.diff(spaced_steps(1000, 999)) > 0).all()
    with pytest.raises(ValueError, match="6 of 5 steps: expected 1 to 5"):
        spaced_steps(5, 6)


def test_ratios_are_gone_through_from_the_last_to_the_first_and_then_to_one():
    """A network that says its ratio, and a step that adds up where it goes."""
    seen = []

    def step(noisy, ratio, after, noise, *, estimate):
        jax.debug.callback(lambda *pair: seen.append(tuple(map(float, pair))), ratio, after, ordered=True)
        return noisy + 1

    ended, passed = denoise(
        jax.random.key(0),
        jnp.zeros(2),
        RATIOS,
        step=step,
        estimate=lambda noisy, ratio: Estimate(noisy + ratio, noisy),
    )
    jax.effects_barrier()
    np.testing.assert_allclose(seen, [(0.1, 0.5), (0.5, 0.9), (0.9, 1.0)], rtol=1e-6)
    np.testing.assert_allclose(ended, [3, 3])
    np.testing.assert_allclose(passed.noisy[:, 0], [0, 1, 2])
    np.testing.assert_allclose(passed.clean[:, 0], [0.1, 1.5, 2.9], rtol=1e-6)


def test_noise_is_anew_at_every_step_and_with_every_key():
    """A step that keeps what it was given of noise, place by place."""

    def kept(key):
        def step(noisy, ratio, after, noise, *, estimate):
            return jnp.roll(noisy, 1, axis=0).at[0].set(noise[0])

        return denoise(key, jnp.zeros((3, 4)), RATIOS, step=step, estimate=lambda noisy, _: Estimate(noisy, noisy))[0]

    drawn = np.concatenate([kept(jax.random.key(0)), kept(jax.random.key(1))])
    assert len(np.unique(drawn)) == drawn.size
    np.testing.assert_array_equal(kept(jax.random.key(0)), drawn[:3])
