"""The bound of a diffusion against the entropy of Gaussian examples, of which the best denoiser is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from cases import Case

from losses.variational_diffusion import denoising_nats, prior_nats, reconstruction_nats
from models.layers.log_ratios import SCHEDULES
from models.layers.signal_ratios import ratio_of_log

CASES = {reconstruction_nats: Case(options={"dimensions": 3})}


def test_the_prior_term_is_a_divergence_of_gaussians(float64):
    example, last = jnp.asarray([0.7, -1.2]), jnp.float64(-0.4)
    ratio = float(ratio_of_log(last))
    expected = sum(
        scipy.integrate.quad(
            lambda z, mean=mean: (
                scipy.stats.norm.pdf(z, mean, np.sqrt(1 - ratio))
                * (scipy.stats.norm.logpdf(z, mean, np.sqrt(1 - ratio)) - scipy.stats.norm.logpdf(z))
            ),
            -12,
            12,
        )[0]
        for mean in np.sqrt(ratio) * np.asarray(example)
    )
    np.testing.assert_allclose(prior_nats(example, last), expected, rtol=1e-8)


def test_the_reconstruction_is_what_noise_leaves(float64):
    """Over many draws of z_0, and in closed form."""
    first, example = jnp.float64(3.0), 0.4
    noise = np.random.default_rng(0).normal(size=200_000)
    seen = example + noise * np.exp(-3.0 / 2)
    drawn = -scipy.stats.norm.logpdf(example, seen, np.exp(-3.0 / 2)).mean()
    np.testing.assert_allclose(reconstruction_nats(first, dimensions=1), drawn, atol=5 * 0.5**0.5 / 200_000**0.5)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("deviation", [0.3, 1.0, 2.5])
def test_with_the_best_denoiser_the_bound_is_the_entropy(name, deviation, float64):
    """½ log 2πe s² for examples of N(0, s²), by every schedule between far ends: by quadrature over times, where

    E‖ε − ε̂‖² = ᾱ s²/(ᾱ s² + 1 − ᾱ).
    """
    first, last = jnp.float64(14.0), jnp.float64(-14.0)

    def at(time):
        ratio = ratio_of_log(SCHEDULES[name](time, first, last))
        missed = jnp.sqrt(ratio * deviation**2 / (ratio * deviation**2 + 1 - ratio))
        slope = jax.grad(SCHEDULES[name])(time, first, last)
        return denoising_nats(missed[None], jnp.zeros(1), slope)

    times, weights = np.polynomial.legendre.leggauss(400)
    squashed = (np.tanh(4 * times) / np.tanh(4) + 1) / 2  # finer at both ends, where some schedules are steep
    measure = weights * 2 * (1 - np.tanh(4 * times) ** 2) / np.tanh(4)
    integral = np.sum(measure * np.asarray(jax.vmap(at)(jnp.asarray(squashed))))
    prior = prior_nats(jnp.full(1, deviation), last)  # ‖x‖² is s² on average
    found = prior + reconstruction_nats(first, dimensions=1) + integral
    np.testing.assert_allclose(found, scipy.stats.norm.entropy(0, deviation), atol=2e-3)
