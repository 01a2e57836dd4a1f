"""On Gaussian data the best denoiser is known, every step is affine, and means and variances follow in closed form."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.denoising_steps import STEPS, ddim_step, ddpm_step, reinjecting_step, second_order_step
from models.layers.diffusion import Estimate, diffuse, estimate
from models.layers.signal_ratios import cosine_signal_ratios, linear_signal_ratios


def gaussian_denoiser(mean, deviation):
    """E[ε | x_t] of examples from N(mean, deviation²), as a network would say it."""

    def best(noisy, ratio):
        variance = ratio * deviation**2 + 1 - ratio
        noise = jnp.sqrt(1 - ratio) * (noisy - jnp.sqrt(ratio) * mean) / variance
        return estimate(noisy, noise, ratio, predicted="noise")

    return best


def arguments(rng):
    return rng.normal(size=3), np.float32(0.2), np.float32(0.6), rng.normal(size=3)


BEST = {"estimate": gaussian_denoiser(0.5, 0.8)}
CASES = {
    ddim_step: Case(arguments, BEST | {"eta": 0.5}),
    ddpm_step: Case(arguments, BEST | {"variance": "lower"}),
    second_order_step: Case(arguments, BEST),
    reinjecting_step: Case(arguments, BEST | {"reinjected": "fresh"}),
}
SAMPLERS = STEPS | {"ddim": partial(ddim_step, eta=0.0), "ddim_half": partial(ddim_step, eta=0.5)}


def moments(step, ratios, mean, deviation):
    """Mean and variance of what becomes of N(0, 1), by the slope and the offset of each step."""
    best = gaussian_denoiser(mean, deviation)

    @jax.jit
    def affine(ratio, after):
        def of(noisy, noise):
            return step(jnp.float64(noisy), ratio, after, jnp.float64(noise), estimate=best)

        return of(0.0, 0.0), of(1.0, 0.0) - of(0.0, 0.0), of(0.0, 1.0) - of(0.0, 0.0)

    centre, variance = 0.0, 1.0
    for ratio, after in zip(ratios[::-1], np.append(ratios[:-1][::-1], 1.0), strict=True):
        offset, slope, added = map(float, affine(ratio, after))
        centre, variance = offset + slope * centre, slope**2 * variance + added**2
    return centre, variance


def by_hand(name, ratios, mean, deviation):
    """The same by the samplers' equations, solved for x by pen: x̂_0 = m + k (x − √ᾱ m)."""
    centre, variance = 0.0, 1.0
    for ratio, after in zip(ratios[::-1], np.append(ratios[:-1][::-1], 1.0), strict=True):
        total = ratio * deviation**2 + 1 - ratio
        of_clean, of_noise = np.sqrt(ratio) * deviation**2 / total, np.sqrt(1 - ratio) / total
        shift = centre - np.sqrt(ratio) * mean  # of x from the mean of x_t
        posterior = (1 - after) / (1 - ratio) * (1 - ratio / after)
        if name.startswith("ddpm"):
            on_clean = np.sqrt(after) * (1 - ratio / after) / (1 - ratio)
            slope = on_clean * of_clean + np.sqrt(ratio / after) * (1 - after) / (1 - ratio)
            drawn = posterior if name == "ddpm" or after == 1 else 1 - ratio / after
        else:
            eta = {"ddim_half": 0.5}.get(name, 0.0)
            drawn = 1 - after if name == "lecture_fresh" else eta**2 * posterior
            slope = np.sqrt(after) * of_clean + np.sqrt(max(1 - after - drawn, 0)) * of_noise
        centre = np.sqrt(after) * mean + slope * shift
        variance = slope**2 * variance + drawn
    return centre, variance


@pytest.mark.parametrize("count", [10, 50, 1000])
@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "second_order"])
def test_moments_are_those_of_the_equations(name, count, float64):
    ratios = np.asarray(cosine_signal_ratios(steps=1000))[np.linspace(0, 999, count).astype(int)]
    found = moments(SAMPLERS[name], ratios, 0.5, 0.8)
    np.testing.assert_allclose(found, by_hand(name, ratios, 0.5, 0.8), rtol=1e-9)


@pytest.mark.parametrize("count", [3, 50])
def test_ddpm_is_right_at_any_number_of_steps_where_its_variance_is(count, float64):
    """The lower variance where all examples are one, the upper where they are standard normal. Ho et al. 2020, 3.2."""
    ratios = np.asarray(linear_signal_ratios(steps=1000))[np.linspace(0, 999, count).astype(int)]
    assert moments(STEPS["ddpm_upper"], ratios[1:], 0.0, 1.0) == pytest.approx((0, 1 - (1 - ratios[1])), abs=1e-9)
    centre, variance = moments(STEPS["ddpm"], ratios, 0.7, 0.0)
    assert centre == pytest.approx(0.7, abs=1e-9)
    assert variance == pytest.approx(0, abs=1e-9)


def test_curves_end_at_the_examples_distribution_with_the_order_of_their_step(float64):
    """Halving the steps' length divides the error by 2, and by 4 of second order: ratios even in log σ."""
    errors = {"lecture": [], "second_order": []}
    for count in (40, 80):
        deviations = np.geomspace(0.002, 80, count)
        for name, found in errors.items():
            _, variance = moments(STEPS[name], 1 / (1 + deviations**2), 0.5, 0.8)
            found.append(abs(np.sqrt(variance) - 0.8))
    assert errors["lecture"][0] / errors["lecture"][1] == pytest.approx(2, abs=0.2)
    assert errors["second_order"][0] / errors["second_order"][1] == pytest.approx(4, abs=0.6)
    assert errors["second_order"][1] < errors["lecture"][1] / 10


def test_steps_that_are_others_names_for_the_same(float64):
    rng = np.random.default_rng(0)
    noisy, noise = jnp.asarray(rng.normal(size=4)), jnp.asarray(rng.normal(size=4))
    given = noisy, jnp.float64(0.2), jnp.float64(0.6), noise
    best = gaussian_denoiser(0.5, 0.8)
    for name, eta in (("lecture", 0.0), ("ddpm", 1.0)):
        expected = STEPS[name](*given, estimate=best)
        np.testing.assert_allclose(ddim_step(*given, estimate=best, eta=eta), expected, atol=1e-12)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_last_step_is_the_example_that_is_seen(name, float64):
    """Where the network knows the example."""
    clean, noise = jnp.array([1.0, -2.0]), jnp.array([0.3, 0.8])
    ratio = jnp.float64(0.9)
    found = SAMPLERS[name](
        diffuse(clean, noise, ratio), ratio, jnp.float64(1.0), 5 * noise, estimate=lambda *_: Estimate(clean, noise)
    )
    np.testing.assert_allclose(found, clean, atol=1e-12)
